import {
  type Descriptor,
  type Digest,
  isIndexMediaType,
  isManifestMediaType,
  type Manifest,
  parseManifest,
} from "@tranship/registry";
import { formatPlatform, type WantedPlatform } from "../../plan/platforms/platforms.ts";
import { RootfsError } from "../errors.ts";
import { fitOf, isAttestation, platformOfChild } from "./image-platform.ts";

/** Reads the manifest of a digest. */
export type ReadManifest = (digest: Digest) => Promise<Manifest>;

/** The image of an index that was chosen. */
export interface ChosenChild {
  readonly manifest: Manifest;
  /** The platform the index gives it; `undefined` where it says nothing of it. */
  readonly platform: WantedPlatform | undefined;
}

/** Indexes may lie in each other so deep, and so many are read. */
const maxDepth = 4;
const maxIndexes = 32;

/**
 * The image for a platform out of an index: of those it lists itself the one that fits best, the first of equals; only if
 * none fits, one of the indexes it lists. What is attached to images, such as attestations, is none.
 * @throws RootfsError `PLATFORM_NOT_FOUND` with the platforms there are
 */
export async function chooseChild(
  index: Manifest,
  wanted: WantedPlatform,
  reference: string,
  read: ReadManifest,
): Promise<ChosenChild> {
  const search = new IndexSearch(wanted, read);
  const found = await search.in(index, 1);
  if (found) return found;
  const offered = [...search.offered];
  const [name, has] = [formatPlatform(wanted), offered.length === 0 ? "no image at all" : `only ${offered.join(", ")}`];
  const message = `cannot use ${reference}: it has no image for ${name}, ${has}`;
  throw new RootfsError("PLATFORM_NOT_FOUND", message, { reference, wanted: name, offered });
}

class IndexSearch {
  readonly offered: Set<string> = new Set();
  readonly #wanted: WantedPlatform;
  readonly #read: ReadManifest;
  readonly #seen = new Set<Digest>();

  constructor(wanted: WantedPlatform, read: ReadManifest) {
    this.#wanted = wanted;
    this.#read = read;
  }

  async in(index: Manifest, depth: number): Promise<ChosenChild | undefined> {
    this.#seen.add(index.descriptor.digest);
    const content = parseManifest(index);
    const children = content.kind === "index" ? content.manifests.filter((child) => !isAttestation(child)) : [];
    const best = this.#bestOf(children.filter(isImage));
    if (best) return { manifest: await this.#read(best.digest), platform: best.platform && platformOfChild(best) };
    if (depth === maxDepth) return undefined;
    for (const child of children.filter((one) => isIndexMediaType(one.mediaType))) {
      if (this.#seen.has(child.digest) || this.#seen.size === maxIndexes || !this.#mayLead(child)) continue;
      const found = await this.in(await this.#read(child.digest), depth + 1);
      if (found) return found;
    }
    return undefined;
  }

  #bestOf(children: readonly Descriptor[]): Descriptor | undefined {
    let best: { readonly child: Descriptor; readonly fit: number } | undefined;
    for (const child of children) {
      const platform = platformOfChild(child);
      if (this.offered.size < 100) this.offered.add(formatPlatform(platform));
      const fit = fitOf(platform, this.#wanted);
      if (fit !== undefined && (best === undefined || fit < best.fit)) best = { child, fit };
    }
    return best?.child;
  }

  /** An index within an index may have a platform of its own; mostly it has none. */
  #mayLead(child: Descriptor): boolean {
    return child.platform === undefined || fitOf(platformOfChild(child), this.#wanted) !== undefined;
  }
}

function isImage({ mediaType }: Descriptor): boolean {
  return isManifestMediaType(mediaType) && !isIndexMediaType(mediaType);
}
