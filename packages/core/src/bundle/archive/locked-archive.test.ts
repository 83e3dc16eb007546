import { digestOf, MediaType } from "@tranship/registry";
import { expect, test } from "vitest";
import { formatLockFile, type LockedArchive, parseLockFile } from "../../plan/lock-file.ts";
import type { Section } from "../../plan/section.ts";
import { ArchiveLayout } from "./archive-layout.ts";
import { filesOfEntry, filesOfRange, lockArchive, lockedPlaces } from "./locked-archive.ts";

const blob = (text: string) => ({
  digest: digestOf(Buffer.from(text)),
  size: text.length,
  mediaType: MediaType.ociConfig,
});
const path = `packages/${"long".repeat(30)}`;
const sections: readonly Section[] = [
  { repositories: [{ path, source: "r/x", images: [], blobs: [blob("one"), blob("two".repeat(500))] }] },
  { repositories: [{ path: "y", source: "r/y", images: [], blobs: [blob("")] }] },
];
const planned = { archive: "a.tar", sections };

test("the lock lists every file of an archive where the archive has it", () => {
  const layout = new ArchiveLayout();
  const blobs = sections.flatMap((section) => layout.add(section));
  const { entries, size } = layout.finish();
  const locked = lockArchive(planned);
  expect(locked.bytes).toBe(size);
  expect(
    lockedPlaces(locked).map(({ name, headerOffset, offset, size }) => [name, headerOffset, offset, size]),
  ).toEqual([...blobs, ...entries].map(({ name, headerOffset, offset, size }) => [name, headerOffset, offset, size]));
});

test("chunks add up to the archive, and each byte is in the chunk that is named for it", () => {
  const locked = lockArchive(planned, 700);
  const { bytes, chunks = [] } = locked;
  expect(chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)).toBe(bytes);
  expect(chunks.slice(0, -1).every((chunk) => chunk.bytes === 700)).toBe(true);
  let start = 0;
  for (const { file, bytes: size } of chunks) {
    expect(filesOfRange(locked, start, size)).toEqual([file]);
    expect(filesOfRange(locked, start, 0)).toEqual([file]);
    start += size;
  }
  expect(filesOfRange(locked, 699, 2)).toEqual(chunks.slice(0, 2).map(({ file }) => file));
  expect(filesOfRange(locked, 0, bytes)).toEqual(chunks.map(({ file }) => file));
  const named = lockedPlaces(locked).flatMap((place) => filesOfEntry(locked, place));
  expect(new Set(named)).toEqual(new Set(filesOfRange(locked, 0, bytes - 1024)));
  expect(filesOfRange(lockArchive(planned), 0, bytes)).toEqual(["a.tar"]);
});

test("an archive that fills its chunks exactly has no empty one", () => {
  const { bytes } = lockArchive(planned);
  expect(lockArchive(planned, bytes).chunks).toEqual([{ file: "a.tar.0000.chunk", bytes }]);
  expect(lockArchive(planned, 512).chunks).toHaveLength(bytes / 512);
});

test("a lock reads back as it was written", () => {
  for (const file of [lockArchive(planned), lockArchive(planned, 700)]) {
    const lock = { version: 1, archives: [], missing: [], files: [file] } as const;
    const text = formatLockFile(lock);
    expect(parseLockFile(text, "lock")).toEqual(lock);
    expect(formatLockFile(parseLockFile(text, "lock"))).toBe(text);
  }
});

const locked = lockArchive(planned, 700);
test.for<{ readonly name: string; readonly file: object }>([
  { name: "no entries", file: { archive: "a.tar", bytes: 1 } },
  { name: "a chunk size and no chunks", file: { ...locked, chunks: undefined } },
  { name: "chunks and no size of theirs", file: { ...locked, chunkBytes: undefined } },
  { name: "a chunk too few", file: { ...locked, chunks: locked.chunks?.slice(1) } },
  { name: "another archive's chunk", file: { ...locked, chunks: chunksWith({ file: "../b.tar.0000.chunk" }) } },
  { name: "a chunk of another size", file: { ...locked, chunks: chunksWith({ bytes: 1 }) } },
  { name: "chunks of no size", file: { ...locked, chunkBytes: 0 } },
  { name: "more chunks than there is memory for", file: { ...locked, bytes: Number.MAX_SAFE_INTEGER } },
  { name: "an entry without a digest", file: { ...locked, entries: [{ name: "a", size: 1, digest: "md5:1" }] } },
])("a lock with $name is refused", ({ file }) => {
  const text = JSON.stringify({ version: 1, archives: [], missing: [], files: [file] });
  expect(() => parseLockFile(text, "lock")).toThrow(expect.objectContaining({ code: "PLAN_INVALID" }));
});

function chunksWith(change: object): LockedArchive["chunks"] {
  return locked.chunks?.map((chunk, index) => (index === 0 ? { ...chunk, ...change } : chunk));
}
