import {
  type CallOptions,
  type Descriptor,
  type Digest,
  formatName,
  type ImageManifest,
  isForeignLayerMediaType,
  isIndexMediaType,
  isManifestMediaType,
  type Manifest,
  type Platform,
  parseManifest,
  type RepositoryReader,
} from "@tranship/registry";
import { MirrorError } from "../../errors.ts";
import { borrowBlob } from "./blob-lender.ts";
import { FileSearch, parseLayerPath } from "./file-search.ts";
import type { LayerCache } from "./layer-cache.ts";
import { LayerFault, scanLayer } from "./layer-scan.ts";

/** Options of {@link readImageFiles}. */
export interface ImageFilesOptions extends CallOptions {
  /** A larger file is an error, in bytes. @defaultValue 1 MiB */
  readonly maxFileBytes?: number | undefined;
  /** Unpacking more than this, over all layers, is an error, in bytes. @defaultValue 16 GiB */
  readonly maxUnpackedBytes?: number | undefined;
  /** Remembers layers from call to call: one that several images share is read once. */
  readonly layers?: LayerCache | undefined;
  /** Which image of an index is read; its first image where none fits. @defaultValue linux/amd64 */
  readonly platform?: Pick<Platform, "os" | "architecture"> | undefined;
  /** Images of an index that are not chosen: they are left out. @defaultValue none */
  readonly without?: ReadonlySet<Digest> | undefined;
}

const linuxAmd64 = { os: "linux", architecture: "amd64" };

/** Layers up to so many bytes are read to the end, so that what is found in them is proven by their digest. */
const maxProvenBytes = 1024 ** 2;

/** Nested indexes deeper than this are refused. */
const maxDepth = 8;

/**
 * Reads files out of an image without unpacking it: layers from the top down, left as soon as all is found. A name that is
 * absent from the answer is not in the image, proven by layers read to their ends; what could not be read is an error.
 * Links are not followed. The answer's keys are the names as they were given.
 * @throws MirrorError `IMAGE_FILE_INVALID`
 * @throws RegistryError as {@link RepositoryReader.fetchBlob} does
 * @see image-spec v1.1, "Image Layer Filesystem Changeset"
 */
export async function readImageFiles(
  repository: RepositoryReader,
  manifest: Manifest,
  names: readonly string[],
  options: ImageFilesOptions = {},
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { signal, maxFileBytes = 1024 ** 2, maxUnpackedBytes = 16 * 1024 ** 3, layers } = options;
  const reference = formatName(repository.name, manifest.descriptor.digest);
  const paths = new Map(names.map((name) => [name, pathOf(name, reference)]));
  const open = new Set(paths.values());
  const found = new Map<string, Uint8Array>();
  const image = await imageOf(repository, manifest, options, 0);
  const limits = { maxFileBytes, unpackedBytesLeft: maxUnpackedBytes };
  for (const layer of image.layers.filter(isFilesLayer).toReversed()) {
    if (open.size === 0) break;
    signal?.throwIfAborted();
    const looked = [...open];
    const scan = async () => {
      const search = new FileSearch(looked);
      await scanLayer(borrowBlob(repository, layer, { signal }), search, limits, layer.size > maxProvenBytes);
      return search;
    };
    try {
      const findings = await (layers?.find(layer.digest, looked, scan) ?? scan());
      for (const [path, bytes] of findings.found) found.set(path, bytes);
      for (const path of [...findings.found.keys(), ...findings.hidden]) open.delete(path);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof LayerFault)) throw error;
      throw unreadable(reference, error.file ?? names.join(", "), `layer ${layer.digest}: ${error.message}`, error);
    }
  }
  const files = [...paths].flatMap(([name, path]) => {
    const bytes = found.get(path);
    return bytes ? [[name, bytes] as const] : [];
  });
  return new Map(files);
}

/** Whether a layer holds files and is there: artifacts have layers of anything, which are no part of a file system. */
function isFilesLayer({ mediaType }: Descriptor): boolean {
  return /[./-]tar(?:[.+](?:gzip|zstd))?(?:\+encrypted)?$/.test(mediaType) && !isForeignLayerMediaType(mediaType);
}

async function imageOf(
  repository: RepositoryReader,
  manifest: Manifest,
  options: ImageFilesOptions,
  depth: number,
): Promise<ImageManifest> {
  const content = parseManifest(manifest);
  if (content.kind === "image") return content;
  const children = content.manifests.filter(({ digest }) => !options.without?.has(digest));
  const child = depth < maxDepth ? chooseChild(children, options.platform ?? linuxAmd64) : undefined;
  if (!child) {
    const reference = formatName(repository.name, manifest.descriptor.digest);
    throw unreadable(reference, "", "the index leads to no image");
  }
  const chosen = await repository.manifest(child.digest, { signal: options.signal });
  return imageOf(repository, chosen, options, depth + 1);
}

function chooseChild(
  children: readonly Descriptor[],
  { os, architecture }: Pick<Platform, "os" | "architecture">,
): Descriptor | undefined {
  const manifests = children.filter(({ mediaType }) => isManifestMediaType(mediaType));
  const images = manifests.filter(({ mediaType }) => !isIndexMediaType(mediaType));
  return (
    images.find(({ platform }) => platform?.os === os && platform.architecture === architecture) ??
    // Builders list attestations as images of an unknown platform.
    images.find(({ platform }) => platform?.os !== "unknown") ??
    images[0] ??
    manifests[0]
  );
}

function pathOf(name: string, reference: string): string {
  const path = parseLayerPath(name);
  if (path === undefined) throw unreadable(reference, name, "it is no path inside an image");
  return path;
}

function unreadable(
  reference: string,
  file: string,
  reason: string,
  cause?: unknown,
): MirrorError<"IMAGE_FILE_INVALID"> {
  const what = file === "" ? reference : `${file} of ${reference}`;
  return new MirrorError(
    "IMAGE_FILE_INVALID",
    `cannot read ${what}: ${reason}`,
    { reference, file, reason },
    { cause },
  );
}
