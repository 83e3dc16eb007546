import {
  type Descriptor,
  type Digest,
  type ImageIndex,
  isIndexMediaType,
  isManifestMediaType,
  type Manifest,
  manifestOf,
  type Platform,
  parseManifest,
  type RepositoryReader,
} from "@tranship/registry";
import { imagePlatform } from "./image-platform.ts";
import { isPlatform, type WantedPlatform } from "./platforms.ts";

/** What is left of an index of which only some platforms are wanted. */
export interface NarrowedIndex {
  /** The index, as it was where all of it is wanted; `undefined` where nothing of it is. */
  readonly manifest: Manifest | undefined;
  /** It and the indexes in it, as far as they are not at the source. */
  readonly made: readonly Manifest[];
  /** The platforms it had, in its order; none where it does not say for which platforms its images are. */
  readonly platforms: readonly Platform[];
  /** What of the index as it was is not wanted: manifests it or an index in it lists, each with all it leads to. */
  readonly leftOut: ReadonlySet<Digest>;
}

/** Where a builder says which image an attestation beside it is about. @see https://docs.docker.com/build/metadata/attestations/attestation-storage/ */
const attestedDigest = "vnd.docker.reference.digest";

/** Nested indexes deeper than this are refused when the index is read as a whole. */
const maxDepth = 8;

/**
 * Leaves those images in an index whose platforms are wanted, with the attestations beside them and with what is of no
 * platform at all. Everything else the index says stays as it is. What is left once is left unchanged the second time.
 * @throws RegistryError `NOT_FOUND`, `INVALID_MANIFEST`
 */
export async function narrowIndex(
  repository: RepositoryReader,
  index: Manifest,
  wanted: readonly WantedPlatform[],
  signal: AbortSignal,
): Promise<NarrowedIndex> {
  const kept = new Set<Digest>();
  const narrowed = await narrow({ repository, wanted, signal, kept }, index, 0);
  // what one index lists for a platform, another may list for one that is wanted
  return { ...narrowed, leftOut: narrowed.leftOut.difference(kept) };
}

interface Narrowing {
  readonly repository: RepositoryReader;
  readonly wanted: readonly WantedPlatform[];
  readonly signal: AbortSignal;
  /** What is kept of all indexes. */
  readonly kept: Set<Digest>;
}

async function narrow(how: Narrowing, index: Manifest, depth: number): Promise<NarrowedIndex> {
  const content = parseManifest(index);
  const leftOut: ReadonlySet<Digest> = new Set();
  if (content.kind !== "index") return { manifest: index, made: [], platforms: [], leftOut };
  const parts = await Promise.all(content.manifests.map((child) => part(how, child, depth)));
  const platforms = parts.flatMap((one) => one.platforms);
  if (platforms.length === 0) return { manifest: index, made: [], platforms, leftOut };
  const kept = withAttestations(content, parts);
  if (!kept.some(({ platforms: own, descriptor }) => descriptor && own.length > 0))
    return { manifest: undefined, made: [], platforms, leftOut };
  const isWhole = kept.every(({ descriptor }, at) => descriptor?.digest === content.manifests[at]?.digest);
  for (const [at, { digest }] of content.manifests.entries()) if (kept[at]?.descriptor) how.kept.add(digest);
  if (isWhole) return { manifest: index, made: [], platforms, leftOut };
  const manifest = rewritten(index, kept);
  const others = content.manifests.flatMap(({ digest }, at) => {
    const one = kept[at];
    return one?.descriptor ? [...one.leftOut] : [digest];
  });
  const made = [...kept.flatMap((one) => one.made), manifest];
  return { manifest, made, platforms, leftOut: new Set(others) };
}

/** What becomes of one entry of an index. */
interface Part {
  /** What the entry names afterwards; `undefined` when it is left out. */
  readonly descriptor: Pick<Descriptor, "digest" | "size"> | undefined;
  readonly platforms: readonly Platform[];
  readonly made: readonly Manifest[];
  /** What is not wanted of what it leads to. */
  readonly leftOut: ReadonlySet<Digest>;
}

async function part(how: Narrowing, child: Descriptor, depth: number): Promise<Part> {
  const whole: Part = { descriptor: child, platforms: [], made: [], leftOut: new Set() };
  const { repository, signal } = how;
  if (!isManifestMediaType(child.mediaType)) return whole;
  if (isIndexMediaType(child.mediaType) && !child.platform) {
    if (depth >= maxDepth) return whole;
    const nested = await narrow(how, await repository.manifest(child.digest, { signal }), depth + 1);
    const { manifest, platforms, made, leftOut } = nested;
    return { descriptor: manifest?.descriptor, platforms, made, leftOut };
  }
  const platform = child.platform ?? (await platformOf(how, child));
  if (!platform || platform.os === "" || platform.os === "unknown") return whole;
  const isWanted = how.wanted.some((one) => isPlatform(platform, one));
  return { ...whole, descriptor: isWanted ? child : undefined, platforms: [platform] };
}

async function platformOf({ repository, signal }: Narrowing, child: Descriptor): Promise<Platform | undefined> {
  return await imagePlatform(repository, await repository.manifest(child.digest, { signal }), signal);
}

/** An attestation goes with the image it is about. */
function withAttestations({ manifests }: ImageIndex, parts: readonly Part[]): readonly Part[] {
  const kept = new Set<string>(manifests.flatMap(({ digest }, at) => (parts[at]?.descriptor ? digest : [])));
  return parts.map((one, at) => {
    const about = manifests[at]?.annotations?.[attestedDigest];
    const isOrphan = about !== undefined && manifests.some(({ digest }) => digest === about) && !kept.has(about);
    return isOrphan ? { ...one, descriptor: undefined } : one;
  });
}

/** The index with other entries: word for word else, in the order it had. */
function rewritten(index: Manifest, parts: readonly Part[]): Manifest {
  const body = JSON.parse(new TextDecoder().decode(index.bytes)) as { readonly manifests: readonly object[] };
  const manifests = body.manifests.flatMap((entry, at) => {
    const descriptor = parts[at]?.descriptor;
    return descriptor ? pointedAt(entry, descriptor) : [];
  });
  const bytes = new TextEncoder().encode(JSON.stringify({ ...body, manifests }));
  return manifestOf(bytes, index.descriptor.mediaType);
}

function pointedAt(entry: object, { digest, size }: Pick<Descriptor, "digest" | "size">): object {
  if ("digest" in entry && entry.digest === digest) return entry;
  const { data: _stale, ...kept } = entry as { readonly data?: unknown };
  return { ...kept, digest, size };
}
