import {
  type Blob,
  type CallOptions,
  type Digest,
  formatName,
  type ImageManifest,
  type Manifest,
  parseManifest,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import { formatPlatform, type WantedPlatform } from "../../plan/platforms/platforms.ts";
import { RootfsError } from "../errors.ts";
import { chooseChild } from "./choose-child.ts";
import { type ImageConfigFile, imageInvalid, maxImageConfigBytes, parseImageConfig } from "./extract-config.ts";
import { layersOf, requireLayersHere } from "./image-layers.ts";
import { fitOf } from "./image-platform.ts";
import type { ResolvedImage } from "./source.ts";
import { sourceError, trying } from "./source-error.ts";

/** Options of {@link resolveImage}. */
export interface ResolveImageOptions extends CallOptions {
  /** What the image is called without tag and digest, such as `docker.io/library/alpine`. */
  readonly name: string;
  /** The platform that is wanted. */
  readonly platform: WantedPlatform;
  /** An image of more layers is refused. */
  readonly maxLayers: number;
}

/** An image, with what its config says and where it was chosen from. */
export interface FoundImage {
  readonly image: ResolvedImage;
  readonly config: ImageConfigFile;
  /** The digest of the index, where the reference named one. */
  readonly indexDigest: Digest | undefined;
}

/**
 * Finds an image and reads its manifest and config. A tag is asked for once; everything after that goes by digest. Out of an
 * index the image for the wanted platform is chosen, and what the index says of it counts. A single image says in its
 * config what it was made for, and must fit too.
 * @throws RootfsError `PLATFORM_NOT_FOUND`, `PLATFORM_MISMATCH`, `IMAGE_INVALID`, `LAYER_FOREIGN`, `LIMIT_EXCEEDED`, `SOURCE_FAILED`
 */
export async function resolveImage(
  repository: RepositoryReader,
  wanted: Tag | Digest,
  { name, platform, maxLayers, signal }: ResolveImageOptions,
): Promise<FoundImage> {
  const named = formatName(name, wanted);
  const read = (reference: Tag | Digest) =>
    trying("read", formatName(name, reference), signal, () => repository.manifest(reference, { signal }));
  const first = await read(wanted);
  const isIndex = contentOf(first, named).kind === "index";
  const chosen = isIndex
    ? await trying("read", named, signal, () => chooseChild(first, platform, named, read))
    : undefined;
  const manifest = chosen?.manifest ?? first;
  const reference = formatName(name, manifest.descriptor.digest);
  const content = contentOf(manifest, reference);
  if (content.kind !== "image") throw imageInvalid(reference, "an index says it is an image, and it is an index");
  if (content.layers.length > maxLayers) {
    const message = `cannot use ${reference}: it has ${content.layers.length} layers, allowed are ${maxLayers}`;
    throw new RootfsError("LIMIT_EXCEEDED", message, { reference, limit: "maxLayers", max: maxLayers });
  }
  const config = await readConfig(repository, content, reference, signal);
  if (!chosen?.platform) requireFit(config.platform, platform, reference);
  const layers = layersOf(content, config.diffIds, reference);
  await requireLayersHere(repository, layers, reference, signal);
  return {
    image: { reference, manifest, layers, platform: chosen?.platform ?? config.platform, repository },
    config,
    indexDigest: isIndex ? first.descriptor.digest : undefined,
  };
}

function contentOf(manifest: Manifest, reference: string): ReturnType<typeof parseManifest> {
  const { mediaType } = manifest.descriptor;
  if (/\.distribution\.manifest\.v1\+/.test(mediaType))
    throw imageInvalid(
      reference,
      "its manifest is of schema 1, which says too little; pull and push it anew with a current tool",
    );
  try {
    return parseManifest(manifest);
  } catch (error) {
    throw sourceError(error, "read", reference, undefined);
  }
}

async function readConfig(
  repository: RepositoryReader,
  { config, artifactType }: ImageManifest,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<ImageConfigFile> {
  if (config.size > maxImageConfigBytes)
    throw imageInvalid(reference, `its config has ${config.size} bytes, allowed are ${maxImageConfigBytes}`);
  const bytes = await trying("read the config of", reference, signal, () => readBlob(repository, config, signal));
  try {
    return parseImageConfig(bytes, reference);
  } catch (error) {
    // Anything may be in a registry: what it is called tells more than what its config lacks.
    const kind = artifactType ?? config.mediaType;
    if (/^application\/vnd\.(oci\.image|docker\.container)/.test(kind)) throw error;
    throw imageInvalid(reference, `it is no image but ${kind}`, error);
  }
}

async function readBlob(
  repository: RepositoryReader,
  blob: Blob,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of repository.fetchBlob(blob, { signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function requireFit(own: WantedPlatform | undefined, wanted: WantedPlatform, reference: string): void {
  if (!own || fitOf(own, wanted) !== undefined) return;
  const [actual, name] = [formatPlatform(own), formatPlatform(wanted)];
  const message = `cannot use ${reference}: it was made for ${actual}, wanted is ${name}; ask for ${actual} to take it`;
  throw new RootfsError("PLATFORM_MISMATCH", message, { reference, wanted: name, actual });
}
