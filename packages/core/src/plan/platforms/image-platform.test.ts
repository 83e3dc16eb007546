import { createRegistry } from "@tranship/registry";
import { anImage, faults, startTestRegistry } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { imagePlatform } from "./image-platform.ts";

test("a config that arrives damaged is asked for again", async () => {
  await using registry = await startTestRegistry();
  await using source = createRegistry(registry.host);
  const image = anImage({ tag: "v1", platform: { os: "linux", architecture: "arm64" } });
  registry.seed("app", image);
  registry.failOnce(faults.corrupt({ at: 30 }), /blobs/);
  const { signal } = new AbortController();
  const platform = await imagePlatform(source.repository("app"), image.manifest, signal);
  expect(platform).toMatchObject({ os: "linux", architecture: "arm64" });
  expect(registry.requests()).toHaveLength(2);
});
