import { type Digest, isManifestMediaType } from "@tranship/registry";
import { compareText } from "../layout/index-file.ts";
import { checkInventory, type Inventory, inventoryDigest } from "./inventory.ts";
import { type AssumedBlob, blobPath, type PlannedBlob, type PlannedRepository, type Section } from "./section.ts";

/** A blob names so many of the repositories that have it, at most. */
const maxFrom = 4;

/** What the other side has already, made ready for look-ups. */
export interface Base {
  /** Equal for bases of the same content. */
  readonly digest: Digest;
  /** The repositories that have a blob, bytewise, and the sizes they give it: more than one is a contradiction. */
  find(digest: Digest): { readonly sizes: ReadonlySet<number>; readonly paths: readonly string[] } | undefined;
}

/** Makes an inventory ready for {@link withoutBase}. @throws MirrorError `INVENTORY_INVALID` when it is none */
export function baseOf(given: Inventory): Base {
  const inventory = checkInventory(given, "what was given");
  const known = new Map<Digest, { readonly sizes: Set<number>; readonly paths: string[] }>();
  for (const { path, blobs } of inventory.repositories) {
    for (const { digest, size } of blobs) {
      const entry = known.get(digest) ?? { sizes: new Set(), paths: [] };
      known.set(digest, entry);
      entry.sizes.add(size);
      if (entry.paths.at(-1) !== path) entry.paths.push(path);
    }
  }
  return { digest: inventoryDigest(inventory), find: (digest) => known.get(digest) };
}

/**
 * The section without the configs and layers that the base has, in whichever of its repositories; they become
 * `assumed`. Manifests stay, so that a bundle always says what its images are. A blob the base gives another size is
 * not relied on: `onContradiction` hears of it.
 */
export function withoutBase(
  section: Section,
  base: Base,
  onContradiction: (blob: PlannedBlob, sizes: readonly number[]) => void = () => {},
): Section {
  const isTrusted = (blob: PlannedBlob) => {
    const found = base.find(blob.digest);
    if (!found || isManifestMediaType(blob.mediaType)) return false;
    if (found.sizes.size === 1 && found.sizes.has(blob.size)) return true;
    onContradiction(blob, [...found.sizes]);
    return false;
  };
  return { repositories: section.repositories.map((repository) => leaveOut(repository, base, isTrusted)) };
}

function leaveOut(
  repository: PlannedRepository,
  base: Base,
  isTrusted: (blob: PlannedBlob) => boolean,
): PlannedRepository {
  const brought: PlannedBlob[] = [];
  const assumed: AssumedBlob[] = [...(repository.assumed ?? [])];
  for (const blob of repository.blobs) {
    if (!isTrusted(blob)) brought.push(blob);
    else assumed.push({ ...blob, from: nearest(repository.path, base.find(blob.digest)?.paths ?? []) });
  }
  if (assumed.length === 0) return repository;
  assumed.sort((a, b) => compareText(blobPath(a.digest), blobPath(b.digest)));
  const { made, leftOut, ...others } = repository;
  const rest = { ...(made ? { made } : {}), ...(leftOut ? { leftOut } : {}) };
  return { ...others, blobs: brought, assumed, ...rest }; // in the order in which files are read
}

/** The repository itself first, where it has the blob: there it needs no mount. */
function nearest(own: string, paths: readonly string[]): readonly string[] {
  const others = paths.filter((path) => path !== own);
  return [...(others.length < paths.length ? [own] : []), ...others].slice(0, maxFrom);
}
