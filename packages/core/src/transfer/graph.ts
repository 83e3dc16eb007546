import {
  type CallOptions,
  childBlobs,
  childManifests,
  type Descriptor,
  type Digest,
  formatName,
  isManifestMediaType,
  isRegistryError,
  type Manifest,
  parseManifest,
  RegistryError,
  type RepositoryReader,
} from "@tranship/registry";
import { leftOutOf } from "../layout/left-out.ts";

/** A manifest of a {@link Graph} and what must be stored before it. */
export interface GraphManifest extends Manifest {
  /** The manifests it lists; none for an image. */
  readonly children: readonly Digest[];
  /** The content it needs, each digest once: config and layers, or what an index lists besides manifests. */
  readonly blobs: readonly Descriptor[];
}

/** An image or index with everything it leads to, except layers that live elsewhere by their `urls`. */
export interface Graph {
  /** Leaves before parents, each once; the last one is the root. */
  readonly manifests: readonly GraphManifest[];
  /** Each digest once, in the order it is first needed. */
  readonly blobs: readonly Descriptor[];
  /** What its indexes list and is left out on purpose, each digest once for each index. */
  readonly leftOut: readonly LeftOutChild[];
}

/** A manifest that an index lists and that is left out on purpose. */
export interface LeftOutChild {
  /** As the index describes it. */
  readonly descriptor: Descriptor;
  readonly index: Digest;
}

/** Options of {@link graphOf}. */
export interface GraphOptions extends CallOptions {
  /** Manifests below the root that are not looked at: they are left out. @defaultValue none */
  readonly without?: ReadonlySet<Digest> | undefined;
}

/** Indexes nested deeper than this are refused. */
const maxDepth = 8;

/** More manifests under one root are refused. */
const maxManifests = 10_000;

/** More bytes of manifests under one root are refused. */
const maxManifestBytes = 256 * 1024 * 1024;

/**
 * Reads the graph of an image or index: every manifest whole, of blobs only what the manifests say. What the root's entry
 * in an image layout says is left out may be missing.
 * @throws RegistryError `NOT_FOUND`, `DIGEST_MISMATCH`, `INVALID_MANIFEST` for sizes that contradict each other and for
 * more than 8 levels, 10 000 manifests or 256 MiB of them
 * @see image-spec v1.1, "OCI Image Index Specification"
 */
export async function graphOf(
  repository: Pick<RepositoryReader, "name" | "manifest">,
  root: Descriptor,
  { signal, without = new Set() }: GraphOptions = {},
): Promise<Graph> {
  const walk = new GraphWalk(repository, without, leftOutOf(root), signal);
  await walk.visit(root, 0);
  const manifests = [...walk.manifests]; // with no room to spare
  const [only, ...others] = manifests;
  const blobs = only && others.length === 0 ? only.blobs : [...walk.blobs.values()];
  return { manifests, blobs, leftOut: orNone(walk.leftOut) };
}

/** Most graphs have nothing of a kind, and there may be a hundred thousand of them. */
const none: readonly never[] = [];

function orNone<One>(all: readonly One[]): readonly One[] {
  return all.length === 0 ? none : all;
}

class GraphWalk {
  readonly manifests: GraphManifest[] = [];
  readonly blobs: Map<Digest, Descriptor> = new Map();
  readonly leftOut: LeftOutChild[] = [];
  readonly #repository: Pick<RepositoryReader, "name" | "manifest">;
  readonly #without: ReadonlySet<Digest>;
  readonly #mayLack: ReadonlySet<Digest>;
  readonly #signal: AbortSignal | undefined;
  readonly #sizes = new Map<Digest, number>();
  /** The manifests that were come to; such a digest may be the layer of an image, too. */
  readonly #visited = new Set<Digest>();
  #bytes = 0;

  constructor(
    repository: Pick<RepositoryReader, "name" | "manifest">,
    without: ReadonlySet<Digest>,
    mayLack: ReadonlySet<Digest>,
    signal: AbortSignal | undefined,
  ) {
    this.#repository = repository;
    this.#without = without;
    this.#mayLack = mayLack;
    this.#signal = signal;
  }

  async visit(descriptor: Descriptor, depth: number): Promise<void> {
    const { digest, size } = descriptor;
    this.#requireSize(digest, size);
    if (this.#visited.has(digest)) return;
    this.#visited.add(digest);
    if (depth > maxDepth) throw this.#invalid(digest, `its indexes are nested more than ${maxDepth} deep`);
    if (this.#visited.size > maxManifests) {
      throw this.#invalid(digest, `it is one of more than ${maxManifests} manifests`);
    }
    this.#signal?.throwIfAborted();
    const { bytes } = await this.#repository.manifest(digest, { signal: this.#signal });
    if (bytes.byteLength !== size) throw this.#contradiction(digest, size, bytes.byteLength);
    this.#bytes += size;
    if (this.#bytes > maxManifestBytes)
      throw this.#invalid(digest, `it is part of more than ${maxManifestBytes} bytes`);
    const content = parseManifest({ descriptor, bytes });
    const children: Digest[] = [];
    const blobs = new Map<Digest, Descriptor>();
    for (const blob of childBlobs(content)) this.#addBlob(blob, blobs);
    for (const child of childManifests(content)) {
      if (isManifestMediaType(child.mediaType)) {
        if (content.kind === "index" && (await this.#isLeftOut(child))) {
          this.#addLeftOut(child, digest);
          continue;
        }
        await this.visit(child, depth + 1);
        children.push(child.digest);
      } else this.#addBlob(child, blobs); // an index may list any content
    }
    this.manifests.push({ descriptor, bytes, children: orNone([...new Set(children)]), blobs: [...blobs.values()] });
  }

  /** What may be missing and is there is not left out. */
  async #isLeftOut({ digest }: Descriptor): Promise<boolean> {
    if (this.#without.has(digest)) return true;
    if (!this.#mayLack.has(digest) || this.#visited.has(digest)) return false;
    try {
      await this.#repository.manifest(digest, { signal: this.#signal });
      return false;
    } catch (error) {
      if (isRegistryError(error, "NOT_FOUND")) return true;
      throw error;
    }
  }

  #addLeftOut(descriptor: Descriptor, index: Digest): void {
    this.#requireSize(descriptor.digest, descriptor.size);
    const isKnown = this.leftOut.some((one) => one.index === index && one.descriptor.digest === descriptor.digest);
    if (!isKnown) this.leftOut.push({ descriptor, index });
  }

  #addBlob(blob: Descriptor, own: Map<Digest, Descriptor>): void {
    this.#requireSize(blob.digest, blob.size);
    if (!this.blobs.has(blob.digest)) this.blobs.set(blob.digest, blob);
    if (!own.has(blob.digest)) own.set(blob.digest, blob);
  }

  #requireSize(digest: Digest, size: number): void {
    const known = this.#sizes.get(digest);
    if (known !== undefined && known !== size) throw this.#contradiction(digest, known, size);
    this.#sizes.set(digest, size);
  }

  #contradiction(digest: Digest, one: number, other: number): RegistryError {
    return this.#invalid(digest, `it has ${one} bytes in one place and ${other} in another`);
  }

  #invalid(digest: Digest, reason: string): RegistryError {
    const reference = formatName(this.#repository.name, digest);
    return new RegistryError("INVALID_MANIFEST", `cannot use ${reference}: ${reason}`, { reference, reason });
  }
}
