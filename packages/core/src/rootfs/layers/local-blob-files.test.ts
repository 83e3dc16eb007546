import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryRegistry, type RepositoryReader } from "@tranship/registry";
import { aBlob, anImage, partsOf } from "@tranship/registry/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bundle } from "../../bundle/bundle.ts";
import { ImageLayout } from "../../layout/image-layout.ts";
import { LayoutRegistry } from "../../layout/layout-registry.ts";
import { blobPath } from "../../plan/section.ts";
import { hasLocalBlobFiles } from "./local-blob-files.ts";

const image = anImage({ tag: "v1", size: 3000 });
const [layer = aBlob()] = image.layers;

let folder = "";
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tranship-pieces-"));
  const layout = await ImageLayout.open(join(folder, "tree", "app"));
  for (const { blobs, manifests } of [partsOf(image)]) {
    for (const blob of blobs) {
      await layout.pushBlob(blob, async function* () {
        yield blob.bytes;
      });
    }
    for (const { manifest, tags } of manifests) await layout.pushManifest(manifest, { tags });
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

function pack(chunkBytes?: number): string {
  const bundle = join(folder, "bundle");
  mkdirSync(bundle);
  const archive = join(bundle, "app.tar");
  execFileSync("tar", ["--format=gnu", "-b", "1", "-cf", archive, "-C", join(folder, "tree"), "app"]);
  if (chunkBytes === undefined) return bundle;
  const bytes = readFileSync(archive);
  for (let at = 0; at * chunkBytes < bytes.byteLength; at += 1) {
    const chunk = bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes);
    writeFileSync(`${archive}.${String(at).padStart(4, "0")}.chunk`, chunk);
  }
  rmSync(archive);
  return bundle;
}

async function bytesOf(reader: RepositoryReader): Promise<{ readonly pieces: number; readonly bytes: Uint8Array }> {
  const pieces = hasLocalBlobFiles(reader) ? await reader.filePieces(layer) : undefined;
  const parts = (pieces ?? []).map(({ path, offset, length }) => readFileSync(path).subarray(offset, offset + length));
  return { pieces: parts.length, bytes: new Uint8Array(Buffer.concat(parts)) };
}

test("a layer of a layout is its file", async () => {
  const layout = await ImageLayout.open(join(folder, "tree", "app"));
  expect(await bytesOf(layout)).toEqual({ pieces: 1, bytes: layer.bytes });
  expect(await layout.filePieces(aBlob({ seed: "other" }))).toBeUndefined();
  await expect(layout.filePieces({ ...layer, size: 1 })).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
});

test("a layer behind a link that leads out of a tree of layouts is not read", async () => {
  const path = join(folder, "tree", "app", blobPath(layer.digest));
  rmSync(path);
  symlinkSync("/etc/hostname", path);
  const registry = await LayoutRegistry.open(join(folder, "tree"));
  await expect(registry.repository("app").filePieces(layer)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
});

test.for([[undefined], [1000]])(
  "a layer of a bundle lies in its archive, in chunks of %s bytes",
  async ([chunkBytes]) => {
    await using bundle = await Bundle.open(pack(chunkBytes));
    const { pieces, bytes } = await bytesOf(bundle.repository("app"));
    expect(bytes).toEqual(layer.bytes);
    expect(pieces > 1).toBe(chunkBytes !== undefined);
  },
);

test("an archive that was changed since it was opened is not read", async () => {
  const path = pack();
  await using bundle = await Bundle.open(path);
  writeFileSync(join(path, "app.tar"), "other");
  await expect(bytesOf(bundle.repository("app"))).rejects.toMatchObject({ code: "ARCHIVE_INVALID" });
});

test("other readers have no files", () => {
  expect(hasLocalBlobFiles(new MemoryRegistry().repository("app"))).toBe(false);
});
