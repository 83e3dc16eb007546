import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, MediaType } from "@tranship/registry";
import { afterEach, beforeEach, expect, test } from "vitest";
import { formatLockFile, type LockFile } from "../plan/lock-file.ts";
import type { Section } from "../plan/section.ts";
import { ArchiveLayout } from "./archive-layout.ts";
import { Bundle } from "./bundle.ts";
import { lockArchive } from "./locked-archive.ts";
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
  for (const { headerOffset, header, offset, content } of [...blobs, ...entries]) {
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

test("a lock that cannot be read is no lock", async () => {
  writeBundle(both);
  const path = join(folder, "tranship.lock.json");
  writeFileSync(path, readFileSync(path, "utf8").replace('"version": 1', '"version": 2'));
  await expect(Bundle.open(folder)).rejects.toMatchObject({ code: "PLAN_INVALID" });
});
