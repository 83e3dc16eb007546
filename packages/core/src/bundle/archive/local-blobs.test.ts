import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "@tranship/registry";
import { expect, onTestFinished, test } from "vitest";
import type { ArchivePlace } from "./archive-place.ts";
import { LocalBlobs, type WantedPlace } from "./local-blobs.ts";

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tranship-local-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const whole = (path: string): ArchivePlace => ({ path, isPartial: false });

/** A place that wants bytes, somewhere else. */
function wantedPlace(write: (position: number, bytes: Uint8Array) => void): WantedPlace {
  return { place: whole("elsewhere"), offset: 0, write };
}

const bytes = Buffer.alloc(3 * 1024 * 1024, "some bytes ");
const blob = { digest: digestOf(bytes), size: bytes.byteLength };

function read(pieces: Iterable<Uint8Array>): Buffer {
  const owned: Uint8Array[] = [];
  for (const piece of pieces) owned.push(new Uint8Array(piece));
  return Buffer.concat(owned);
}

test("a blob that was opened is read to its end, whatever becomes of the file's name meanwhile", async () => {
  const [folder, local] = [aFolder(), new LocalBlobs()];
  const [partial, final] = [join(folder, "a.partial"), join(folder, "a")];
  writeFileSync(partial, Buffer.concat([Buffer.from("header"), bytes]));
  local.add(blob, whole(partial), 6);
  const opening = local.open(blob);
  renameSync(partial, final);
  local.move(whole(partial), whole(final));
  using opened = await opening;
  rmSync(final);
  expect(opened && read(opened.pieces(0, blob.size)).equals(bytes)).toBe(true);
  expect(opened && read(opened.pieces(100, 50)).equals(bytes.subarray(100, 150))).toBe(true);
});

test("a place is found under its file's new name, and forgotten when another file takes that name", async () => {
  const [folder, local] = [aFolder(), new LocalBlobs()];
  const [one, two] = [join(folder, "one"), join(folder, "two")];
  writeFileSync(one, bytes);
  local.add(blob, whole(one), 0, true);
  renameSync(one, two);
  local.move(whole(one), whole(two));
  expect(bytes.equals((await local.read(blob)) ?? new Uint8Array())).toBe(true);
  local.move(whole(join(folder, "three")), whole(two));
  expect(await local.read(blob)).toBeUndefined();
});

test.for([
  { name: "other bytes", content: Buffer.alloc(bytes.byteLength, "other") },
  { name: "fewer bytes", content: bytes.subarray(0, -1) },
  { name: "nothing", content: Buffer.alloc(0) },
])("a place with $name is passed over for one that holds the blob", async ({ content }) => {
  const [folder, local] = [aFolder(), new LocalBlobs()];
  const [bad, good] = [join(folder, "bad"), join(folder, "good")];
  writeFileSync(bad, content);
  writeFileSync(good, bytes);
  local.add(blob, whole(join(folder, "gone")), 0);
  local.add(blob, whole(bad), 0);
  local.add(blob, whole(good), 0);
  const copy = Buffer.alloc(bytes.byteLength);
  expect(
    await local.copy(
      blob,
      wantedPlace((position, piece) => copy.set(piece, position)),
    ),
  ).toBe(true);
  expect(copy.equals(bytes)).toBe(true);
  rmSync(good);
  expect(
    await local.copy(
      blob,
      wantedPlace(() => {}),
    ),
  ).toBe(false);
  expect(local.has(blob.digest)).toBe(false);
});

test("an unfinished archive gives the blob when it has all of it, and else only its beginning, as far as bytes go", async () => {
  const [folder, local] = [aFolder(), new LocalBlobs()];
  const [short, long] = [join(folder, "short"), join(folder, "long")];
  writeFileSync(`${short}.partial`, Buffer.concat([bytes.subarray(0, 1000), Buffer.alloc(bytes.byteLength - 1000)]));
  writeFileSync(`${long}.partial`, bytes.subarray(0, 2000));
  for (const path of [short, long]) local.add(blob, { path, isPartial: true }, 0);
  const written: (readonly [number, number])[] = [];
  const wanted = wantedPlace((position, piece) => written.push([position, piece.byteLength]));
  expect(await local.copy(blob, wanted)).toBe(false);
  expect(written).toEqual([]);
  expect(await local.copyBeginning(blob, wanted)).toBe(2000);
  expect(written).toEqual([[0, 2000]]);
  writeFileSync(`${short}.partial`, bytes);
  expect(await local.copy(blob, wanted)).toBe(true);
});

test("what lies in an unfinished archive is read only as long as it is the blob, and what was written before it", async () => {
  const [folder, local] = [aFolder(), new LocalBlobs()];
  const path = join(folder, "left");
  writeFileSync(`${path}.partial`, bytes);
  local.add(blob, { path, isPartial: true }, 0);
  expect(bytes.equals((await local.read(blob)) ?? new Uint8Array())).toBe(true);
  const start = bytes.subarray(0, 1000);
  writeFileSync(`${path}.partial`, Buffer.concat([start, Buffer.alloc(blob.size - 1000)])); // the new plan's archive begins
  expect(await local.read(blob)).toBeUndefined();
  expect(
    await local.copyBeginning(
      blob,
      wantedPlace(() => {}),
    ),
  ).toBe(1000);
  writeFileSync(`${join(folder, "own")}.partial`, bytes);
  local.add(blob, { path: join(folder, "own"), isPartial: true }, 0, true);
  expect(bytes.equals((await local.read(blob)) ?? new Uint8Array())).toBe(true);
});

test("a place is not filled from itself", async () => {
  const [folder, local] = [aFolder(), new LocalBlobs()];
  const place: ArchivePlace = { path: join(folder, "a"), isPartial: true };
  writeFileSync(`${place.path}.partial`, bytes);
  local.add(blob, place, 0);
  const wanted: WantedPlace = { place, offset: 0, write: () => expect.unreachable("nothing is written") };
  expect(await local.copy(blob, wanted)).toBe(false);
  expect(await local.copyBeginning(blob, wanted)).toBe(0);
});

test("an aborted signal ends a copy with its reason", async () => {
  const [folder, local] = [aFolder(), new LocalBlobs()];
  const path = join(folder, "a");
  writeFileSync(path, bytes);
  local.add(blob, whole(path), 0);
  const stop = new AbortController();
  const reason = new Error("enough");
  await expect(
    local.copy(
      blob,
      wantedPlace(() => stop.abort(reason)),
      stop.signal,
    ),
  ).rejects.toBe(reason);
});
