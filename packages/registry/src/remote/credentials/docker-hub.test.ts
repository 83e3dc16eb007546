import { expect, test } from "vitest";
import { isDockerHub } from "./docker-hub.ts";

test.for([
  ["docker.io", true],
  ["index.docker.io", true],
  ["registry-1.docker.io", true],
  ["Docker.IO", true],
  ["docker.io:443", false],
  ["hub.docker.io", false],
  ["docker.io.example", false],
  ["", false],
] as const)("%j is Docker Hub: %s", ([host, expected]) => {
  expect(isDockerHub(host)).toBe(expected);
});
