import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { ArchiveFile } from "./archive-file.ts";
import { chunkName } from "./archive-names.ts";
import { type ArchivePlace, filePathOf } from "./archive-place.ts";

function aPlace(chunkBytes?: number): ArchivePlace {
  const folder = mkdtempSync(join(tmpdir(), "tranship-archive-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { path: join(folder, "a.tar"), isPartial: true, chunkBytes };
}

/** Every file of the place, by number. */
function filesOf(place: ArchivePlace): readonly Buffer[] {
  const count = readdirSync(join(place.path, "..")).length;
  return Array.from({ length: count }, (_, index) => readFileSync(filePathOf(place, index)));
}

const someWrites = fc.array(
  fc.record({ offset: fc.nat(6000), bytes: fc.uint8Array({ minLength: 1, maxLength: 3000 }) }),
  { minLength: 1, maxLength: 12 },
);

test("written, cut and read in chunks of any size, an archive has the bytes it has in one file", () => {
  fc.assert(
    fc.property(someWrites, fc.integer({ min: 512, max: 4000 }), fc.nat(9000), (writes, chunkBytes, size) => {
      const places = [aPlace(), aPlace(chunkBytes)] as const;
      const [whole, chunked] = places.map((place) => {
        using file = ArchiveFile.write(place);
        for (const { offset, bytes } of writes) file.write(offset, bytes);
        file.truncate(size);
        const read = Buffer.alloc(size);
        expect(file.readInto(read, 0)).toBe(size);
        expect(Buffer.concat(filesOf(place)).equals(read)).toBe(true);
        return read;
      });
      expect(whole?.equals(chunked ?? Buffer.alloc(1))).toBe(true);
      const sizes = filesOf(places[1]).map(({ byteLength }) => byteLength);
      expect(sizes.slice(0, -1).every((bytes) => bytes === chunkBytes)).toBe(true);
      expect(size === 0 || (sizes.at(-1) ?? 0) > 0).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test("what was left from before ends where its last byte does, across chunks that are missing or too short", async () => {
  const place = aPlace(512);
  {
    using file = ArchiveFile.write(place);
    file.write(0, new Uint8Array(512).fill(1));
    file.write(1100, new Uint8Array(100).fill(2)); // chunks 2 only: chunk 1 was never made
  }
  using again = ArchiveFile.write(place);
  expect(again.sizeAtOpen).toBe(1200);
  expect(await again.endOfData(0, 4096)).toBe(1200);
  expect(await again.endOfData(0, 1024)).toBe(512);
  expect(await again.endOfData(512, 512)).toBe(0);
  const bytes = Buffer.concat([...again.pieces(0, 1200)].map((piece) => new Uint8Array(piece)));
  expect(bytes).toEqual(Buffer.concat([Buffer.alloc(512, 1), Buffer.alloc(588), Buffer.alloc(100, 2)]));
});

test("an archive that is only read ends where a chunk is missing or cut off", () => {
  const place = { ...aPlace(512), isPartial: false };
  for (const index of [0, 1, 2]) writeFileSync(filePathOf(place, index), Buffer.alloc(512, index + 1));
  const read = () => {
    using file = ArchiveFile.read({ place });
    return file.readInto(new Uint8Array(1536), 0);
  };
  expect(read()).toBe(1536);
  truncateSync(filePathOf(place, 1), 200);
  expect(read()).toBe(712);
  rmSync(filePathOf(place, 1));
  expect(read()).toBe(512);
});

test("an archive of thousands of chunks holds a few of them open", () => {
  const place = aPlace(512);
  using file = ArchiveFile.write(place);
  for (let offset = 0; offset < 3000 * 512; offset += 512) file.write(offset, new Uint8Array(512).fill(7));
  file.truncate(3000 * 512);
  const folder = join(place.path, "..");
  const open = readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(folder);
    } catch {
      return false; // closed meanwhile
    }
  });
  expect(readdirSync(folder)).toHaveLength(3000);
  expect(open.length).toBeGreaterThan(0);
  expect(open.length).toBeLessThanOrEqual(16);
});

test("chunks follow an archive that is renamed while it is read, and what replaced it is not taken for it", () => {
  const place = aPlace(512);
  const final = { ...place, isPartial: false };
  {
    using file = ArchiveFile.write(place);
    file.write(0, new Uint8Array(512 * 40).fill(9));
  }
  const located: { place: ArchivePlace | undefined } = { place };
  using file = ArchiveFile.read(located);
  expect(file.readInto(new Uint8Array(512 * 20), 0)).toBe(512 * 20);
  for (let index = 0; index < 40; index += 1) renameSync(filePathOf(place, index), filePathOf(final, index));
  located.place = final;
  expect(file.readInto(new Uint8Array(512 * 40), 0)).toBe(512 * 40);
  located.place = undefined;
  expect(file.readInto(new Uint8Array(512), 512 * 2)).toBe(0);
});

test("names of other archives and of no archive are left alone", () => {
  const place = aPlace(512);
  const folder = join(place.path, "..");
  const others = ["b.tar.0000.chunk.partial", "a.tar.partial", "a.tar.0001.chunk", "a.tar.00002.chunk.partial"];
  for (const name of others) writeFileSync(join(folder, name), "x".repeat(1000));
  using file = ArchiveFile.write(place);
  expect(file.sizeAtOpen).toBe(0);
  file.write(0, new Uint8Array(700).fill(1));
  file.truncate(600);
  expect(readdirSync(folder).sort()).toEqual(
    [...others, ...[0, 1].map((index) => `${chunkName("a.tar", index)}.partial`)].sort(),
  );
  for (const name of others) expect(statSync(join(folder, name)).size).toBe(1000);
});
