import { expect, test } from "vitest";
import { dockerEndpoint } from "./docker-endpoint.ts";

test.for([
  { place: "", name: "unix:///var/run/docker.sock", isExposed: false },
  { place: "unix:///run/me.sock", name: "unix:///run/me.sock", isExposed: false },
  { place: "tcp://10.0.0.5", name: "tcp://10.0.0.5", port: 2375, isExposed: true },
  { place: "tcp://localhost.example.com", name: "tcp://localhost.example.com", port: 2375, isExposed: true },
  { place: "http://192.168.1.2:80/docker", name: "http://192.168.1.2", port: 80, isExposed: true },
  { place: "tcp://localhost:4000", name: "tcp://localhost:4000", port: 4000, isExposed: false },
  { place: "tcp://127.8.9.1", name: "tcp://127.8.9.1", port: 2375, isExposed: false },
  { place: "tcp://[::1]:99", name: "tcp://[::1]:99", port: 99, isExposed: false },
  { place: "https://build.example.com", name: "https://build.example.com", port: 443, isExposed: false },
  { place: "tcp://10.0.0.5", isVerified: true, name: "tcp://10.0.0.5", port: 2376, isExposed: false },
])("a daemon at $place, verified $isVerified, can be overheard: $isExposed", async (row) => {
  const environment = { DOCKER_HOST: row.place, HOME: "/nowhere", ...(row.isVerified && { DOCKER_TLS_VERIFY: "1" }) };
  const { name, connection, isExposed, tls } = await dockerEndpoint(environment);
  expect([name, isExposed]).toEqual([row.name, row.isExposed]);
  if (row.port !== undefined) expect(connection).toMatchObject({ port: row.port });
  expect(tls !== undefined).toBe(row.place.startsWith("https:") || row.isVerified === true);
});
