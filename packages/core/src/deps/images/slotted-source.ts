import {
  childManifests,
  type Descriptor,
  type Digest,
  type FetchBlobOptions,
  isDigest,
  isManifestMediaType,
  isRegistryError,
  type Manifest,
  type ManifestOptions,
  parseManifest,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import type { HostSlots } from "../jobs/host-slots.ts";

/** More bytes of manifests are not read ahead; who reads the graph refuses them. */
const maxAheadBytes = 64 * 1024 * 1024;

/** Neither are manifests of indexes nested deeper than this, nor more of them. */
const [maxDepth, maxManifests] = [8, 10_000];

/** How a {@link SlottedSource} asks. */
export interface SlottedSourceOptions {
  readonly slots: HostSlots;
  /** Of the registry, as slots are counted by. */
  readonly host: string;
  readonly signal: AbortSignal;
  /** Manifests that need not be asked for. */
  readonly atHand?: ((digest: Digest) => Promise<Manifest | undefined>) | undefined;
  /** Told before anything is asked for. */
  readonly onAsk?: (() => void) | undefined;
}

/** A repository that is asked for each manifest once, and for each manifest and blob in a slot of its host's. */
export class SlottedSource {
  readonly name: string;
  readonly #from: RepositoryReader;
  readonly #options: SlottedSourceOptions;
  readonly #manifests = new Map<Digest, Promise<Manifest>>();

  constructor(from: RepositoryReader, options: SlottedSourceOptions) {
    this.name = from.name;
    this.#from = from;
    this.#options = options;
  }

  /** What a tag names there now. */
  async resolve(reference: Tag | Digest): Promise<Descriptor | undefined> {
    return await this.#ask((signal) => this.#from.resolve(reference, { signal }));
  }

  /** A manifest, that at hand if there is one. */
  async manifest(reference: Tag | Digest, _options: ManifestOptions = {}): Promise<Manifest> {
    if (!isDigest(reference)) return await this.#ask((signal) => this.#from.manifest(reference, { signal }));
    const known = this.#manifests.get(reference) ?? this.#read(reference);
    this.#manifests.set(reference, known);
    return await known;
  }

  /** The bytes of a blob; its slot is held while they are read. */
  async *fetchBlob(
    blob: { readonly digest: Digest; readonly size: number },
    options: FetchBlobOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const { slots, host, onAsk } = this.#options;
    const slot = await slots.take(host, options.signal ?? this.#options.signal);
    try {
      onAsk?.();
      yield* this.#from.fetchBlob(blob, options);
    } finally {
      slot[Symbol.dispose]();
    }
  }

  /**
   * Reads what an index leads to, several manifests at a time, and gives the digests of all manifests below it: any of them
   * may be missing at the source.
   */
  async readAhead(root: Manifest): Promise<ReadonlySet<Digest>> {
    const found = new Set<Digest>();
    let bytes = 0;
    const visit = async (manifest: Manifest, depth: number): Promise<void> => {
      bytes += manifest.bytes.byteLength;
      const children = childManifests(parseManifest(manifest)).filter(
        ({ digest, mediaType }) => isManifestMediaType(mediaType) && !found.has(digest),
      );
      if (depth > maxDepth || found.size + children.length > maxManifests) return;
      for (const { digest } of children) found.add(digest);
      await Promise.all(
        children.map(async ({ digest }) => {
          if (bytes > maxAheadBytes) return;
          const child = await this.manifest(digest).catch(missing);
          if (child) await visit(child, depth + 1);
        }),
      );
    };
    await visit(root, 0);
    return found;
  }

  async #read(digest: Digest): Promise<Manifest> {
    return (
      (await this.#options.atHand?.(digest)) ?? (await this.#ask((signal) => this.#from.manifest(digest, { signal })))
    );
  }

  async #ask<Answer>(question: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    const { slots, host, signal, onAsk } = this.#options;
    const slot = await slots.take(host, signal);
    try {
      onAsk?.();
      return await question(signal);
    } finally {
      slot[Symbol.dispose]();
    }
  }
}

/** Nothing for what is not there; other failures stay. */
function missing(error: unknown): undefined {
  if (isRegistryError(error, "NOT_FOUND")) return undefined;
  throw error;
}
