import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, MediaType } from "@tranship/registry";
import { afterEach, beforeEach, expect, test } from "vitest";
import { formatLockFile, type LockFile } from "../plan/lock-file.ts";
import type { Section } from "../plan/section.ts";
import { ArchiveLayout } from "./archive/archive-layout.ts";
import { chunkName } from "./archive/archive-names.ts";
import { filesOfEntry, lockArchive, lockedPlaces } from "./archive/locked-archive.ts";
import { Bundle } from "./bundle.ts";
import { encodeTarHeader } from "./tar/tar-header.ts";
import { verifyBundle } from "./verify-bundle.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const config = encode("{}");
const manifest = (seed: string) =>
  encode(
    JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: MediaType.ociConfig, digest: digestOf(config), size: config.byteLength },
      layers: [],
      annotations: { seed },
    }),
  );
const [one, two] = [manifest("one"), manifest("two")];

function section(...images: readonly (readonly [string, Uint8Array])[]): Section {
  const blob = (bytes: Uint8Array, mediaType: string) => ({
    digest: digestOf(bytes),
    size: bytes.byteLength,
    mediaType,
  });
  const planned = images.map(([tag, bytes]) => ({
    ...blob(bytes, MediaType.ociManifest),
    tag,
    reference: `registry.example.com/app:${tag}`,
    why: ["version" as const],
  }));
  const blobs = [blob(config, MediaType.ociConfig), blob(one, MediaType.ociManifest), blob(two, MediaType.ociManifest)];
  return { repositories: [{ path: "app", source: "registry.example.com/app", images: planned, blobs }] };
}

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tranship-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes the archive of `written`, under a lock that says `locked`. */
function writeBundle(written: Section, locked: Section = written, change: Partial<LockFile> = {}): void {
  const layout = new ArchiveLayout();
  const contents = new Map([config, one, two].map((bytes) => [digestOf(bytes), bytes]));
  const file = openSync(join(folder, "app.tar"), "w");
  const blobs = layout.add(written);
  const { entries, size } = layout.finish();
  for (const { name, headerOffset, offset, size: length, content } of [...blobs, ...entries]) {
    const header = encodeTarHeader(name, length);
    writeSync(file, header, 0, header.byteLength, headerOffset);
    const bytes = content.kind === "bytes" ? content.bytes : (contents.get(content.blob.digest) ?? config);
    writeSync(file, bytes, 0, bytes.byteLength, offset);
  }
  writeSync(file, new Uint8Array(1024), 0, 1024, size - 1024);
  closeSync(file);
  const lock: LockFile = {
    version: 1,
    archives: [{ archive: "app.tar", component: "packages", item: "app", sections: [locked] }],
    missing: [],
    files: [lockArchive({ archive: "app.tar", sections: [locked] })],
    ...change,
  };
  writeFileSync(join(folder, "tranship.lock.json"), formatLockFile(lock));
}

async function findings(): Promise<readonly (readonly [string, string | undefined])[]> {
  await using bundle = await Bundle.open(folder);
  const report = await verifyBundle(bundle);
  expect(report.ok).toBe(report.findings.length === 0);
  return report.findings.map(({ code, entry }) => [code, entry]);
}

async function files(): Promise<readonly (readonly [string, readonly string[] | undefined])[]> {
  await using bundle = await Bundle.open(folder);
  return (await verifyBundle(bundle)).findings.map(({ code, files }) => [code, files]);
}

const both = section(["v1", one], ["v2", two]);

test("an archive as its lock says has no findings", async () => {
  writeBundle(both);
  expect(await findings()).toEqual([]);
});

test("a tag that was moved to another image of the archive is found", async () => {
  writeBundle(section(["v1", two], ["v2", one]), both);
  expect(await findings()).toEqual([["ARCHIVE_INVALID", "app/index.json"]]);
});

test("an image that was left out is found", async () => {
  const { repositories } = both;
  const fewer = repositories.map((repository) => ({
    ...repository,
    images: repository.images.slice(0, 1),
    blobs: repository.blobs.slice(0, 2),
  }));
  writeBundle({ repositories: fewer }, both);
  expect((await findings()).map(([code]) => code)).toEqual(["SIZE_MISMATCH", "NOT_FOUND", "SIZE_MISMATCH"]);
});

test("files the lock knows nothing of are found", async () => {
  const { repositories } = both;
  const more = [...repositories, ...repositories.map((repository) => ({ ...repository, path: "other" }))];
  writeBundle({ repositories: more }, both);
  const [size, ...codes] = await findings();
  expect(size).toEqual(["SIZE_MISMATCH", undefined]);
  expect(codes).toHaveLength(5);
  expect(codes.every(([code, entry]) => code === "ARCHIVE_INVALID" && entry?.startsWith("other/"))).toBe(true);
});

test("an archive of another length, or without a plan, is found", async () => {
  writeBundle(both, both, { files: [{ ...lockArchive({ archive: "app.tar", sections: [both] }), bytes: 1 }] });
  expect(await findings()).toEqual([["SIZE_MISMATCH", undefined]]);
  writeBundle(both, both, { archives: [] });
  expect(await findings()).toEqual([["PLAN_INVALID", undefined]]);
  writeBundle(both, both, { files: [] });
  expect(await findings()).toEqual([
    ["ARCHIVE_INVALID", undefined],
    ["PLAN_INVALID", undefined],
  ]);
});

test("a list of files that is not the plan's is found", async () => {
  const { entries, ...locked } = lockArchive({ archive: "app.tar", sections: [both] });
  const [first, ...rest] = entries;
  if (!first) throw new Error("an empty archive");
  for (const other of [rest, [{ ...first, digest: digestOf(one.subarray(1)) }, ...rest], [...entries, first]]) {
    writeBundle(both, both, { files: [{ ...locked, entries: other }] });
    expect(await findings()).toEqual([["PLAN_INVALID", undefined]]);
  }
});

/** Cuts the archive into chunks of these sizes, the last as large as need be, under a lock of `chunkBytes`. */
function writeChunks(sizes: readonly number[], chunkBytes: number): void {
  const files = [lockArchive({ archive: "app.tar", sections: [both] }, chunkBytes)];
  writeBundle(both, both, { files });
  const bytes = readFileSync(join(folder, "app.tar"));
  rmSync(join(folder, "app.tar"));
  let at = 0;
  for (const [index, size] of [...sizes, bytes.byteLength].entries()) {
    if (at < bytes.byteLength) writeFileSync(join(folder, chunkName("app.tar", index)), bytes.subarray(at, at + size));
    at += size;
  }
}

test("chunks as the lock says have no findings; each of another size, missing or too many is named", async () => {
  writeChunks([2048], 2048);
  const { chunks = [] } = lockArchive({ archive: "app.tar", sections: [both] }, 2048);
  for (let at = 0; at < chunks.length; at += 1) rmSync(join(folder, chunkName("app.tar", at)), { force: true });
  writeChunks(
    chunks.slice(0, -1).map(() => 2048),
    2048,
  );
  expect(await findings()).toEqual([]);
  writeChunks([...chunks.slice(0, -2).map(() => 2048), 1024], 2048);
  expect(await files()).toEqual(chunks.slice(-2).map(({ file }) => ["SIZE_MISMATCH", [file]]));
  writeChunks([...chunks.slice(0, -1).map(() => 2048), 100], 2048);
  expect(await files()).toEqual([
    ["SIZE_MISMATCH", [chunks.at(-1)?.file]],
    ["ARCHIVE_INVALID", [chunkName("app.tar", chunks.length)]],
  ]);
});

test("an archive in another form than the lock says is found", async () => {
  writeBundle(both, both, { files: [lockArchive({ archive: "app.tar", sections: [both] }, 2048)] });
  expect(await findings()).toEqual([["ARCHIVE_INVALID", undefined]]);
});

test("a bad entry is told with the chunks it lies in", async () => {
  const { bytes } = lockArchive({ archive: "app.tar", sections: [both] });
  const [chunkBytes, files] = [2048, [lockArchive({ archive: "app.tar", sections: [both] }, 2048)]];
  writeBundle(section(["v1", two], ["v2", one]), both, { files });
  const whole = readFileSync(join(folder, "app.tar"));
  rmSync(join(folder, "app.tar"));
  for (let at = 0; at * chunkBytes < bytes; at += 1) {
    writeFileSync(join(folder, chunkName("app.tar", at)), whole.subarray(at * chunkBytes, (at + 1) * chunkBytes));
  }
  await using bundle = await Bundle.open(folder);
  const { findings: found } = await verifyBundle(bundle);
  const [archive] = files;
  const place = archive && lockedPlaces(archive).find(({ name }) => name === "app/index.json");
  expect(found.map(({ entry }) => entry)).toEqual(["app/index.json"]);
  expect(archive && place && filesOfEntry(archive, place)).toEqual(
    expect.arrayContaining([...(found[0]?.files ?? [""])]),
  );
});

test("a lock that cannot be read is no lock", async () => {
  writeBundle(both);
  const path = join(folder, "tranship.lock.json");
  writeFileSync(path, readFileSync(path, "utf8").replace('"version": 1', '"version": 2'));
  await expect(Bundle.open(folder)).rejects.toMatchObject({ code: "PLAN_INVALID" });
});
