import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { DepsItem } from "@tranship/core/deps";
import { type Digest, digestOf, type Platform, type RepositoryReader, type RepositoryWriter } from "@tranship/registry";
import { partsOf, type Seedable } from "@tranship/registry/testing";

/** Writes a file, with the folders that lead to it. */
export function write(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A file by its digest, with a link to it, as `vmconfig` files are. */
export function fileItem(root: string, name: string, text: string): DepsItem {
  const digest = digestOf(Buffer.from(text));
  const path = write(join(root, "vmconfig", "blobs", "sha256", digest.slice(7)), text);
  const link = join(root, "vmconfig", "artifacts", name, "1.0", name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(relative(dirname(link), path), link);
  return {
    id: name,
    version: "1.0",
    source: { type: "http", urls: [`https://files.example/${name}`] },
    digest,
    size: text.length,
    selectors: {},
    sink: { type: "file", path, links: [link] },
    labels: {},
  };
}

/** An image in an image store. */
export function imageItem(
  root: string,
  repository: string,
  digest: Digest,
  more: { tags?: string[]; index?: Digest } = {},
): DepsItem {
  const { tags = [], index } = more;
  return {
    id: `${repository}@${digest}`,
    version: "",
    source: { type: "image", registry: "registry.example", repository, index },
    digest,
    selectors: {},
    sink: { type: "repository-layout", root, repository, tags },
    labels: {},
  };
}

/** Pushes what was built. */
export async function push(repository: RepositoryReader & RepositoryWriter, thing: Seedable): Promise<void> {
  const { blobs, manifests } = partsOf(thing);
  for (const blob of blobs)
    await repository.pushBlob(blob, async function* () {
      yield blob.bytes;
    });
  for (const { manifest, tags } of manifests) await repository.pushManifest(manifest, { tags });
}

/** Another platform than that of images unless told. */
export const arm: Platform = { os: "linux", architecture: "arm64" };

/** All files below a folder, but for those of work folders. */
export function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes(".tranship"))
    .sort();
}
