import { expect, test } from "vitest";
import { anImage } from "../testing/builders.ts";
import { startTestRegistry } from "../testing/test-registry.ts";
import { createRegistries } from "./create-registries.ts";

test("opens each host once, with its own options, and closes them together", async () => {
  await using one = await startTestRegistry();
  await using two = await startTestRegistry();
  for (const server of [one, two]) server.seed("app", anImage({ tag: "v1" }));
  const asked: string[] = [];
  const registries = createRegistries((host) => {
    asked.push(host);
    return {};
  });
  const { of } = registries;
  expect(of(one.host)).toBe(of(one.host));
  for (const { host } of [one, two]) expect(await of(host).repository("app").resolve("v1")).toBeDefined();
  expect(asked).toEqual([one.host, two.host]);
  const [first] = [of(one.host)];
  await registries[Symbol.asyncDispose]();
  await expect(first.repository("app").resolve("v1")).rejects.toThrow();
});
