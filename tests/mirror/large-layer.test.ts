import { Bundle, verifyBundle } from "@tranship/core";
import { faults } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { aSource, blobBytes, digests, pullInto } from "../support/mirror.ts";
import type { ProductPackage } from "../support/product.ts";
import { tempFolder } from "../support/temp-folder.ts";

// Large enough to be written past the kernel's cache, where there is such a way.
const layerBytes = 18_000_000;
const product: readonly ProductPackage[] = [
  { name: "console", versions: ["v1.0.0"], channels: { stable: "v1.0.0" }, layerBytes },
];

const stopBytes = 11_111_111;

/** What may be gathered in memory when a pull ends, in bytes: two pieces, and what a connection gives at a time. */
const lostBytes = 3 * 1024 * 1024;

test("a large layer that is broken off goes on where it was, and is the same in the end", async () => {
  await using source = await aSource(product);
  const [calm, folder] = [tempFolder(), tempFolder()];
  await pullInto(calm, source.host);
  const wholeBytes = blobBytes(source);
  expect(wholeBytes).toBeGreaterThan(layerBytes);

  const ended = new AbortController();
  let bytes = 0;
  const onEvent = (event: { readonly type: string; readonly bytes?: unknown }) => {
    if (event.type === "blob.progress") bytes += Number(event.bytes);
    if (bytes >= stopBytes) ended.abort(new Error("it was stopped"));
  };
  await expect(pullInto(folder, source.host, [], { signal: ended.signal, onEvent })).rejects.toThrow("it was stopped");
  source.reset();
  const { kept } = await pullInto(folder, source.host);
  expect(kept.bytes).toBeGreaterThan(stopBytes - lostBytes);
  expect(blobBytes(source)).toBeLessThan(wholeBytes - kept.bytes + lostBytes);
  expect(digests(folder)).toEqual(digests(calm));
  await using bundle = await Bundle.open(folder);
  expect((await verifyBundle(bundle)).findings).toEqual([]);
});

test("a large layer that comes cut and damaged is fetched until it is right", async () => {
  await using source = await aSource(product);
  const [calm, folder] = [tempFolder(), tempFolder()];
  await pullInto(calm, source.host);
  const layer = source.requests().find(({ bytesSent }) => bytesSent >= layerBytes)?.path;
  source.reset();
  source.failOnce(faults.cutAfter(9_000_000), ({ path }) => path === layer);
  source.failOnce(faults.corrupt(), ({ path }) => path === layer);
  await pullInto(folder, source.host);
  expect(source.requests().filter(({ path }) => path === layer)).toHaveLength(3);
  expect(digests(folder)).toEqual(digests(calm));
});
