import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { partsOf, type Seedable } from "@tranship/registry/testing";

/** One entry of a layout's `index.json`, and what it stands for. */
export interface HandMadeEntry {
  readonly thing: Exclude<Seedable, { readonly bytes: Uint8Array }>;
  /** Its `short_tag`. */
  readonly tag: string;
  /** Its `ref.name`. @defaultValue the layout's place in a made-up source, and the tag */
  readonly refName?: string;
}

/** Options of {@link makeLayout}. */
export interface HandMadeOptions {
  /** Of `index.json`. @defaultValue the layout type that older tools put there by mistake */
  readonly indexType?: string | undefined;
  /** Put behind the sorted ones, as an alias of a tag is. */
  readonly aliases?: readonly HandMadeEntry[] | undefined;
}

/**
 * Writes an image layout the way the reference tool's library does, file by file and without ours: entries sorted by
 * `ref.name`, platforms of empty texts, `null` for no entries.
 */
export function makeLayout(
  root: string,
  path: string,
  entries: readonly HandMadeEntry[],
  options: HandMadeOptions = {},
): void {
  const { indexType = "application/vnd.oci.image.layout.v1+json", aliases = [] } = options;
  const folder = join(root, path);
  for (const { thing } of [...entries, ...aliases]) {
    const { blobs, manifests } = partsOf(thing);
    for (const { digest, bytes } of blobs) write(folder, blobFile(digest), bytes);
    for (const { manifest } of manifests) write(folder, blobFile(manifest.descriptor.digest), manifest.bytes);
  }
  const listed = entries.map((entry) => descriptorOf(path, entry));
  listed.sort((a, b) => Buffer.compare(Buffer.from(a.annotations[refNameKey]), Buffer.from(b.annotations[refNameKey])));
  const manifests = [...listed, ...aliases.map((entry) => descriptorOf(path, entry))];
  const index = { schemaVersion: 2, mediaType: indexType, manifests: manifests.length > 0 ? manifests : null };
  write(folder, "index.json", Buffer.from(JSON.stringify(index, undefined, 3)));
  write(folder, "oci-layout", Buffer.from(`{\n    "imageLayoutVersion": "1.0.0"\n}`));
}

/** The files below a folder, depth first, sorted by their names' bytes in each folder: the reference's order. */
export function filesBelow(root: string, path = ""): readonly string[] {
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  return entries.flatMap((entry) => {
    const own = path === "" ? entry.name : `${path}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(root, own) : [own];
  });
}

const refNameKey = "org.opencontainers.image.ref.name";

function descriptorOf(path: string, { thing, tag, refName }: HandMadeEntry) {
  const { mediaType, digest, size } = thing.manifest.descriptor;
  const repository =
    path === "" ? "registry.example.com:5000/deckhouse/fe" : `registry.example.com:5000/deckhouse/fe/${path}`;
  const isHex = /^[0-9a-f]{64}$/.test(tag);
  return {
    mediaType,
    size,
    digest,
    annotations: {
      "io.deckhouse.image.short_tag": tag,
      [refNameKey]: refName ?? (isHex ? `${repository}@sha256:${tag}` : `${repository}:${tag}`),
    },
    ...("images" in thing ? {} : { platform: { architecture: "", os: "" } }),
  };
}

function blobFile(digest: string): string {
  return join("blobs", ...digest.split(":"));
}

function write(folder: string, name: string, bytes: Uint8Array): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}
