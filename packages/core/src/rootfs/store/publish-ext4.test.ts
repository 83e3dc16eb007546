import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../../../../../tests/support/tmpfs.ts";
import { type ArtifactRecord, artifactPresence } from "./artifact-presence.ts";
import { markArtifactBuildInProgress, markerName } from "./build-marker.ts";
import { publishExt4, removePublishedExt4 } from "./publish-ext4.ts";

const image = Buffer.alloc(4 * 1024 * 1024 + 8192); // longer than what is read at a time, and mostly holes
image.write("first", 0);
image.fill("data", 3 * 1024 * 1024, 3 * 1024 * 1024 + 70_000);
image.write("last", 4 * 1024 * 1024 + 10);
const other = Buffer.concat([Buffer.from("other"), Buffer.alloc(8000)]);

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function aBuilt(bytes: Uint8Array, folder: string = tempFolder()): { readonly file: string; readonly sha256: string } {
  const file = join(folder, "image");
  writeFileSync(file, bytes, { mode: 0o600 });
  return { file, sha256: sha256Of(bytes) };
}

function namesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
}

test.for([
  { name: "copied", takesFile: false, isProven: false },
  { name: "given away, and hashed", takesFile: true, isProven: false },
  { name: "given away, its hash proven", takesFile: true, isProven: true },
])("a file that is $name is there under both its names, whole", async ({ takesFile, isProven }) => {
  const store = join(tempFolder(), "app");
  const { file, sha256 } = aBuilt(image);
  const published = await publishExt4(file, { store, generation: 3, sha256, takesFile, isProven });
  const path = join(store, "generations/3", `${sha256}.ext4`);
  const currentPath = join(store, "app.ext4");
  expect(published).toEqual({ path, currentPath, sha256, sizeBytes: image.byteLength, others: [] });
  expect(readFileSync(path).equals(image)).toBe(true);
  expect(statSync(currentPath).ino).toBe(statSync(path).ino);
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(existsSync(file)).toBe(!takesFile);
  expect(namesIn(store)).toEqual(["app.ext4", "generations", "generations/3", `generations/3/${sha256}.ext4`]);
});

test("a file whose hash is proven is not read again: what was said of it is believed", async () => {
  const store = join(tempFolder(), "app");
  const sha256 = sha256Of(image);
  const { path } = await publishExt4(aBuilt(other).file, { store, sha256, takesFile: true, isProven: true });
  expect(path).toBe(join(store, "generations/1", `${sha256}.ext4`));
  expect(readFileSync(path).equals(other)).toBe(true);
});

test("zeros become holes in a copy", async () => {
  const store = join(tempFolder(), "app");
  const { file, sha256 } = aBuilt(image);
  const { path } = await publishExt4(file, { store, sha256 });
  expect(statSync(path).blocks * 512).toBeLessThan(1024 * 1024);
});

test.skipIf(noTmpfs !== undefined)(
  "a file on another file system is copied, and gone if it was given away",
  async () => {
    const store = join(tempFolder(), "app");
    const { file, sha256 } = aBuilt(image, tmpfs(16 * 1024 * 1024));
    const { path } = await publishExt4(file, { store, sha256, takesFile: true, isProven: true });
    expect(sha256Of(readFileSync(path))).toBe(sha256);
    expect(existsSync(file)).toBe(false);
  },
);

test.for([{ takesFile: false }, { takesFile: true }])(
  "a wrong hash is refused, and nothing is left: $takesFile",
  async ({ takesFile }) => {
    const store = join(tempFolder(), "app");
    mkdirSync(store);
    const { file } = aBuilt(image);
    const expected = sha256Of(other);
    const failed = publishExt4(file, { store, sha256: expected, takesFile });
    const details = { path: file, expected, actual: sha256Of(image) };
    await expect(failed).rejects.toMatchObject({ code: "ARTIFACT_MISMATCH", details });
    expect(namesIn(store)).toEqual([]);
    expect(existsSync(file)).toBe(true);
  },
);

test.for([
  { name: "before it begins", afterChecks: 0 },
  { name: "in the middle", afterChecks: 2 },
  { name: "before the file gets its name", afterChecks: 4 },
])("an abort $name leaves the file that was there before, and nothing else", async ({ afterChecks }) => {
  const store = join(tempFolder(), "app");
  const before = await publishExt4(aBuilt(other).file, { store, sha256: sha256Of(other) });
  const names = namesIn(store);
  const reason = new Error("enough");
  const { file, sha256 } = aBuilt(image);
  await expect(
    publishExt4(file, { store, generation: 2, sha256, signal: abortingAfter(afterChecks, reason) }),
  ).rejects.toBe(reason);
  expect(namesIn(store)).toEqual(names);
  expect(readFileSync(before.currentPath).equals(other)).toBe(true);
});

/** A signal that is aborted once it was looked at so many times. */
function abortingAfter(checks: number, reason: Error): AbortSignal {
  const abort = new AbortController();
  let left = checks;
  const look = () => {
    if (left === 0) abort.abort(reason);
    left -= 1;
  };
  return new Proxy(abort.signal, {
    get(signal, name) {
      if (name === "throwIfAborted") look();
      const value: unknown = Reflect.get(signal, name);
      return typeof value === "function" ? value.bind(signal) : value;
    },
  });
}

test("a new generation takes the current name, and names what was there; each is removed by itself", async () => {
  const store = join(tempFolder(), "app");
  mkdirSync(store);
  writeFileSync(join(store, "app.ext4"), "of a builder that knows no generations");
  const first = await publishExt4(aBuilt(other).file, { store, generation: 0, sha256: sha256Of(other) });
  const second = await publishExt4(aBuilt(image).file, { store, generation: 2, sha256: sha256Of(image) });
  expect(first.path).toContain("/generations/1/");
  expect(second.others).toEqual([first.path]);
  expect(statSync(second.currentPath).size).toBe(image.byteLength);
  expect(readFileSync(first.path).equals(other)).toBe(true);

  await expect(removePublishedExt4(first.path, { store, generation: 2 })).rejects.toMatchObject({
    code: "ARTIFACT_MISMATCH",
  });
  expect(await removePublishedExt4(first.path, { store, generation: 1 })).toBe(true);
  expect(await removePublishedExt4(first.path, { store, generation: 1 })).toBe(false);
  expect(existsSync(second.currentPath)).toBe(true);
  expect(await removePublishedExt4(second.path, { store, generation: 2 })).toBe(true);
  expect(namesIn(store)).toEqual([]);
});

test.for([
  "app.ext4",
  "generations/1/../../app.ext4",
  "generations/1/image.ext4",
  "generations/1",
  `generations/10/${"0".repeat(64)}.ext4`,
  `../other/generations/1/${"0".repeat(64)}.ext4`,
])("%s is no published file of the first generation and is not removed", async (path) => {
  const store = join(tempFolder(), "app");
  const removed = removePublishedExt4(join(store, path), { store, generation: 1 });
  await expect(removed).rejects.toMatchObject({ code: "ARTIFACT_MISMATCH" });
});

test("the same file published again is the same file", async () => {
  const store = join(tempFolder(), "app");
  const { file, sha256 } = aBuilt(other);
  const first = await publishExt4(file, { store, sha256 });
  expect(await publishExt4(file, { store, sha256 })).toEqual(first);
  expect(namesIn(store)).toHaveLength(4);
});

test("no artifact is published in a folder whose name is none's", async () => {
  const { file, sha256 } = aBuilt(other);
  const folder = tempFolder();
  const failed = publishExt4(file, { store: join(folder, "a..b"), sha256 });
  await expect(failed).rejects.toMatchObject({ code: "ARTIFACT_ID_INVALID" });
  expect(readdirSync(folder)).toEqual([]);
});

test("an artifact is present when it is the wanted one and its file is there, else missing, or unknown", async () => {
  const store = join(tempFolder(), "app");
  const { path, sizeBytes, currentPath } = await publishExt4(aBuilt(other).file, { store, sha256: sha256Of(other) });
  const record: ArtifactRecord = { id: "app", fingerprint: "f", path, sizeBytes };
  const wanted = { id: "app", fingerprint: "f", store };
  const outside = join(tempFolder(), "copy");
  writeFileSync(outside, other);
  const presences = async () => [
    await artifactPresence(record, wanted),
    await artifactPresence({ ...record, path: currentPath }, wanted),
    await artifactPresence({ ...record, sizeBytes: 1 }, wanted),
    await artifactPresence({ ...record, path: outside }, wanted),
    await artifactPresence({ ...record, path: store }, wanted),
    await artifactPresence(record, { ...wanted, fingerprint: "g" }),
    await artifactPresence(undefined, wanted),
  ];
  const missing = ["missing", "missing", "missing", "missing", "missing"];
  expect(await presences()).toEqual(["present", "present", ...missing]);
  const marker = await markArtifactBuildInProgress(store);
  expect(await presences()).toEqual(["present", ...Array.from({ length: 6 }, () => "unknown")]);
  await marker.release();
  writeFileSync(join(store, markerName), "{"); // somebody else's, who writes no JSON
  expect((await presences())[2]).toBe("unknown");
});

test("a file that cannot get its current name is given back", async () => {
  const store = join(tempFolder(), "app");
  mkdirSync(join(store, "app.ext4/in-the-way"), { recursive: true });
  const { file, sha256 } = aBuilt(other);
  const failed = publishExt4(file, { store, sha256, takesFile: true });
  await expect(failed).rejects.toMatchObject({ code: "FILE_FAILED" });
  expect(namesIn(store)).toEqual(["app.ext4", "app.ext4/in-the-way"]);
  expect(readFileSync(file).equals(other)).toBe(true);
});
