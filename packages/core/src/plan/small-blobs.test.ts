import { digestOf } from "@tranship/registry";
import { expect, test } from "vitest";
import { SmallBlobs } from "./small-blobs.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const blobOf = (text: string) => ({ digest: digestOf(bytes(text)), size: bytes(text).byteLength });

/** Reads that give these texts in turn, or fail where there is none. */
function reads(...texts: readonly (string | undefined)[]) {
  let count = 0;
  const read = async () => {
    const text = texts[count];
    count += 1;
    if (text === undefined) throw new Error("cut");
    return bytes(text);
  };
  return { read, count: () => count };
}

test("a blob is read once for all who want it, and is at hand from then on", async () => {
  const blobs = new SmallBlobs();
  const { read, count } = reads("config");
  const all = [blobs.find(blobOf("config"), read), blobs.find(blobOf("config"), read), blobs.held(blobOf("config"))];
  expect(await Promise.all(all)).toEqual([bytes("config"), bytes("config"), bytes("config")]);
  expect(await blobs.held(blobOf("config"))).toEqual(bytes("config"));
  expect(count()).toBe(1);
  expect(await blobs.held(blobOf("another"))).toBeUndefined();
});

test("a read that fails is its own: whoever waited for it reads, and nothing is held of it", async () => {
  const blobs = new SmallBlobs();
  const { read, count } = reads(undefined, "config");
  const [first, held, second] = await Promise.allSettled([
    blobs.find(blobOf("config"), read),
    blobs.held(blobOf("config")),
    blobs.find(blobOf("config"), read),
  ]);
  expect([first.status, held, second.status]).toEqual([
    "rejected",
    { status: "fulfilled", value: undefined },
    "fulfilled",
  ]);
  expect(count()).toBe(2);
});

test("whoever gives the digest another size is not given the blob", async () => {
  const blobs = new SmallBlobs();
  await blobs.find(blobOf("config"), reads("config").read);
  const other = { ...blobOf("config"), size: 7 };
  expect(await blobs.held(other)).toBeUndefined();
  await expect(blobs.find(other, reads().read)).rejects.toThrow("cut");
  expect(await blobs.held(blobOf("config"))).toEqual(bytes("config"));
});

test("the oldest are forgotten when there are too many", async () => {
  const blobs = new SmallBlobs(10);
  for (const text of ["first", "second", "third"]) await blobs.find(blobOf(text), reads(text).read);
  const held = await Promise.all(["first", "second", "third"].map((text) => blobs.held(blobOf(text))));
  expect(held).toEqual([undefined, undefined, bytes("third")]);
});
