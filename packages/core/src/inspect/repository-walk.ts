import {
  type CallOptions,
  childBlobs,
  childManifests,
  type Descriptor,
  type Digest,
  type ImageIndex,
  type ImageManifest,
  isManifestMediaType,
  isRegistryError,
  type Manifest,
  parseManifest,
  type RepositoryReader,
} from "@tranship/registry";
import { isMirrorError } from "../errors.ts";
import { leftOutOf } from "../layout/left-out.ts";
import { imagePlatform } from "../plan/platforms/image-platform.ts";
import { formatPlatform } from "../plan/platforms/platforms.ts";
import type { BlobRole, LackingContent, UnreadableContent } from "./inspection.ts";

/** A manifest as it was read: what it says, without its bytes. */
export interface ReadManifest {
  readonly content: ImageManifest | ImageIndex;
  /** What its config says, for an image. */
  readonly platform?: string | undefined;
}

/** A piece of content that an image leads to. */
export interface GraphPart {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  readonly role: BlobRole;
  /** Whether this repository has it, with that size. */
  readonly isHeld: boolean;
}

/** A manifest below another, as the index that lists it describes it. */
export interface ListedManifest {
  readonly descriptor: Descriptor;
  readonly read: ReadManifest | undefined;
}

/** Everything an image leads to, as far as it can be read. */
export interface PartialGraph {
  readonly root: ReadManifest | undefined;
  /** Each digest once, the root first, in the order they are first needed. */
  readonly parts: readonly GraphPart[];
  /** The manifests below the root, each once, in order. */
  readonly manifests: readonly ListedManifest[];
}

/** What a walk tells of content that is not there or cannot be used. */
export interface WalkFaults {
  lacking(content: LackingContent): void;
  /** `child` is as its index describes it. */
  leftOut(path: string, child: Descriptor, index: Digest): void;
  unreadable(content: UnreadableContent): void;
}

/** Indexes nested deeper than this are not followed. */
const maxDepth = 8;

/** More manifests below one image are not followed. */
const maxManifests = 10_000;

/**
 * Reads the images of one repository, each manifest once; of blobs only the configs that say a platform. What is not
 * there or damaged is told once, and gone on without: who inspects wants to see the rest.
 */
export class RepositoryWalk {
  readonly #path: string;
  readonly #repository: RepositoryReader;
  readonly #relied: ReadonlySet<Digest>;
  readonly #faults: WalkFaults;
  readonly #options: CallOptions;
  readonly #manifests = new Map<string, Promise<ReadManifest | undefined>>();
  readonly #held = new Map<string, Promise<boolean>>();

  constructor(
    path: string,
    repository: RepositoryReader,
    relied: ReadonlySet<Digest>,
    faults: WalkFaults,
    options: CallOptions,
  ) {
    this.#path = path;
    this.#repository = repository;
    this.#relied = relied;
    this.#faults = faults;
    this.#options = options;
  }

  /** Everything below `root`. Rejects only for failures that are not about the content, such as a file that cannot be read. */
  async graph(root: Descriptor): Promise<PartialGraph> {
    const parts = new Map<Digest, GraphPart>();
    const manifests: ListedManifest[] = [];
    const visited = new Set<Digest>();
    const leftOut = leftOutOf(root);
    const visit = async (descriptor: Descriptor, depth: number): Promise<ReadManifest | undefined> => {
      if (visited.has(descriptor.digest)) return undefined;
      visited.add(descriptor.digest);
      if (depth > maxDepth || visited.size > maxManifests) {
        const message = `its indexes are nested more than ${maxDepth} deep, or list more than ${maxManifests} manifests`;
        this.#faults.unreadable({ path: this.#path, digest: descriptor.digest, code: "INVALID_MANIFEST", message });
        return undefined;
      }
      this.#options.signal?.throwIfAborted();
      const read = await this.#read(descriptor);
      await this.#add(parts, descriptor, "manifest", read !== undefined);
      if (depth > 0) manifests.push({ descriptor, read });
      if (!read) return undefined;
      const { content } = read;
      for (const blob of childBlobs(content)) {
        await this.#add(parts, blob, content.kind === "image" && blob === content.config ? "config" : "layer");
      }
      for (const child of childManifests(content)) {
        const isLeftOut = content.kind === "index" && leftOut.has(child.digest) && !(await this.#isThere(child));
        if (isLeftOut) this.#faults.leftOut(this.#path, child, descriptor.digest);
        else if (isManifestMediaType(child.mediaType)) await visit(child, depth + 1);
        else await this.#add(parts, child, "layer"); // an index may list any content
      }
      return read;
    };
    return { root: await visit(root, 0), parts: [...parts.values()], manifests };
  }

  async #add(
    parts: Map<Digest, GraphPart>,
    { digest, size, mediaType }: Descriptor,
    role: BlobRole,
    isRead = false,
  ): Promise<void> {
    if (parts.has(digest)) return;
    const isHeld = isRead || (await this.#isHeld(digest, size, role));
    parts.set(digest, { digest, size, mediaType, role, isHeld });
  }

  async #isThere({ digest }: Descriptor): Promise<boolean> {
    return (await this.#repository.statBlob(digest, this.#options)) !== undefined;
  }

  #isHeld(digest: Digest, size: number, role: BlobRole): Promise<boolean> {
    return remembered(this.#held, `${digest} ${size}`, async () => {
      const isHeld = (await this.#repository.statBlob(digest, this.#options))?.size === size;
      if (!isHeld && !this.#relied.has(digest)) this.#faults.lacking({ path: this.#path, digest, size, role });
      return isHeld;
    });
  }

  /** A manifest that is not there is told as lacking by {@link #isHeld}: registries keep manifests apart from blobs. */
  #read(descriptor: Descriptor): Promise<ReadManifest | undefined> {
    const { digest, size, mediaType } = descriptor;
    return remembered(this.#manifests, `${digest} ${size} ${mediaType}`, async () => {
      const content = await this.#tolerant(digest, async () => {
        const { bytes } = await this.#repository.manifest(digest, this.#options);
        if (bytes.byteLength === size) return { bytes, parsed: parseManifest({ descriptor, bytes }) };
        const message = `it has ${bytes.byteLength} bytes, and is listed with ${size}`;
        return this.#faults.unreadable({ path: this.#path, digest, code: "SIZE_MISMATCH", message });
      });
      if (!content) return undefined;
      const { bytes, parsed } = content;
      return { content: parsed, platform: await this.#platform(parsed, { descriptor, bytes }) };
    });
  }

  async #platform(content: ImageManifest | ImageIndex, manifest: Manifest): Promise<string | undefined> {
    if (content.kind === "index") return undefined;
    const { digest, size } = content.config;
    if (!(await this.#isHeld(digest, size, "config"))) return undefined;
    const signal = this.#options.signal ?? new AbortController().signal;
    const platform = await this.#tolerant(digest, () => imagePlatform(this.#repository, manifest, signal));
    return platform && formatPlatform(platform);
  }

  /** What cannot be used is told; that a file cannot be read, or that the call was ended, is no fault of the content. */
  async #tolerant<Value>(digest: Digest, read: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isAboutContent(error)) throw error;
      const isThere = error.code !== "NOT_FOUND" || (await this.#repository.statBlob(digest, this.#options));
      if (isThere) this.#faults.unreadable({ path: this.#path, digest, code: error.code, message: error.message });
      return undefined;
    }
  }
}

const contentCodes: ReadonlySet<string> = new Set([
  "NOT_FOUND",
  "INVALID_MANIFEST",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
  "TOO_LARGE",
]);

function isAboutContent(error: unknown): error is Error & { readonly code: string } {
  return (isRegistryError(error) && contentCodes.has(error.code)) || isMirrorError(error, "ARCHIVE_INVALID");
}

function remembered<Key, Value>(known: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
  const found = known.get(key);
  if (found) return found;
  const made = make();
  known.set(key, made);
  return made;
}
