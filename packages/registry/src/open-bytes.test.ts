import { expect, test } from "vitest";
import { MemoryRegistry } from "./memory/memory-registry.ts";
import { blobOf } from "./oci/descriptor.ts";
import { openBytes } from "./open-bytes.ts";
import { bytesOf } from "./testing/contract-support.ts";

const bytes = new TextEncoder().encode("some bytes");

test("bytes in memory are pushed as what they hash to", async () => {
  const repository = new MemoryRegistry().repository("app");
  expect(await repository.pushBlob(blobOf(bytes), openBytes(bytes))).toBe("written");
  expect(await bytesOf(repository.fetchBlob(blobOf(bytes)))).toEqual(bytes);
  expect(blobOf(bytes, "sha512").digest).toMatch(/^sha512:/);
});

test.for([
  [0, "some bytes"],
  [5, "bytes"],
  [10, ""],
  [11, ""],
] as const)("from %i on, it is %j", async ([offset, rest]) => {
  expect(new TextDecoder().decode(await bytesOf(openBytes(bytes)(offset)))).toBe(rest);
});
