import { createHash } from "node:crypto";
import {
  type Descriptor,
  type Digest,
  digestOf,
  formatDigest,
  isDigest,
  type Manifest,
  MediaType,
  manifestOf,
} from "@tranship/registry";
import * as z from "zod";
import type { TarEntry } from "../../../bundle/tar/tar-reader.ts";
import { imageInvalid, maxImageConfigBytes, parseImageConfig } from "../extract-config.ts";
import type { ArchiveBlobs } from "./archive-blobs.ts";
import { type ArchiveFiles, packingOf } from "./archive-files.ts";

/** The largest `manifest.json` that is read, in bytes. */
const maxListBytes = 4 * 1024 * 1024;

/** An image as `manifest.json` lists it: the names of its files, and those it was saved under. */
export interface SavedImage {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null | undefined;
  readonly Layers?: readonly string[] | null | undefined;
}

const savedImages: z.ZodType<readonly SavedImage[]> = z.array(
  z.object({
    Config: z.string(),
    RepoTags: z.array(z.string()).nullish(),
    Layers: z.array(z.string()).max(10_000).nullish(),
  }),
);

const plainLayer = "application/vnd.docker.image.rootfs.diff.tar";

/** The images of an archive that lists them in `manifest.json`. @throws RootfsError `IMAGE_INVALID`, `FILE_FAILED` */
export async function readSavedImages(files: ArchiveFiles): Promise<readonly SavedImage[]> {
  const bytes = await files.read("manifest.json", maxListBytes);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw imageInvalid(files.path, "its manifest.json is no JSON", cause);
  }
  const result = savedImages.safeParse(json);
  if (result.success) return result.data;
  throw imageInvalid(files.path, "its manifest.json is no list of images", result.error);
}

/** The digest of a saved image's config, its image ID, as the name of its file tells it. */
export function imageIdOf({ Config }: SavedImage): Digest | undefined {
  const id = `sha256:${/([0-9a-f]{64})(?:\.json)?$/.exec(Config)?.[1] ?? ""}`;
  return isDigest(id) ? id : undefined;
}

/**
 * Makes the manifest of a saved image, which has none: its layers are what the archive holds, plain or packed. A plain
 * layer's digest is in the image's config; a packed one is read for its digest.
 * @throws RootfsError `IMAGE_INVALID`, `FILE_FAILED`
 */
export async function manifestOfSaved(
  saved: SavedImage,
  files: ArchiveFiles,
  blobs: ArchiveBlobs,
  signal?: AbortSignal,
): Promise<Manifest> {
  const bytes = await files.read(saved.Config, maxImageConfigBytes);
  const digest = digestOf(bytes);
  const id = imageIdOf(saved);
  if (id !== undefined && id !== digest)
    throw imageInvalid(files.path, `${JSON.stringify(saved.Config)} in it hashes to ${digest}`);
  const { diffIds } = parseImageConfig(bytes, `${digest} in ${files.path}`);
  const names = saved.Layers ?? [];
  if (names.length !== diffIds.length)
    throw imageInvalid(files.path, `${digest} in it has ${names.length} layers, its config tells of ${diffIds.length}`);
  const layers: Descriptor[] = [];
  for (const [layer, diffId] of diffIds.entries())
    layers.push(await addLayer(names[layer] ?? "", diffId, files, blobs, signal));
  const config = { mediaType: MediaType.dockerConfig, size: bytes.byteLength, digest };
  const entry = files.find(saved.Config);
  if (entry) blobs.addFile(digest, entry);
  const body = { schemaVersion: 2, mediaType: MediaType.dockerManifest, config, layers };
  const manifest = manifestOf(new TextEncoder().encode(JSON.stringify(body)), MediaType.dockerManifest);
  blobs.addManifest(manifest.descriptor, manifest.bytes);
  return manifest;
}

async function addLayer(
  name: string,
  diffId: Digest,
  files: ArchiveFiles,
  blobs: ArchiveBlobs,
  signal?: AbortSignal,
): Promise<Descriptor> {
  const entry = files.find(name);
  if (!entry) throw imageInvalid(files.path, `there is no layer ${JSON.stringify(name)} in it`);
  const packing = packingOf(await files.readAt(entry, 0, Math.min(4, entry.size)));
  const digest = packing ? await digestOfFile(files, entry, signal) : diffId;
  blobs.addFile(digest, entry);
  return { mediaType: packing ? `${plainLayer}.${packing}` : plainLayer, size: entry.size, digest };
}

async function digestOfFile(files: ArchiveFiles, entry: TarEntry, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const piece of files.pieces(entry, 0, entry.size, signal)) hash.update(piece);
  return formatDigest("sha256", hash);
}
