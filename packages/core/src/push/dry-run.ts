import type {
  Blob,
  CallOptions,
  Digest,
  OpenBlob,
  PushBlobOptions,
  PushOutcome,
  RegistryReader,
  RepositoryReader,
  RepositoryWriter,
  SourceMounts,
} from "@tranship/registry";

/**
 * A target that is only asked: what is pushed to its repositories tells what a push would do, and is remembered, so that
 * other repositories of the run can take it over. A mount counts as done, which a registry may still refuse.
 */
export class DryRun {
  readonly #target: RegistryReader;
  /** What the run would have brought, by repository and digest. */
  readonly #brought = new Set<string>();

  constructor(target: RegistryReader) {
    this.#target = target;
  }

  /** The repository at `path`, to be written to. */
  repository(path: string): Pick<RepositoryReader, "name"> & RepositoryWriter {
    return {
      name: this.#target.repository(path).name,
      pushBlob: (blob, open, options) => this.#pushBlob(path, blob, open, options),
      pushManifest: async () => {},
    };
  }

  async #pushBlob(path: string, blob: Blob, _open: OpenBlob, options: PushBlobOptions = {}): Promise<PushOutcome> {
    const { signal, mountFrom = [], source } = options;
    if (await this.#holds(path, blob, { signal })) return "present";
    this.#brought.add(keyOf(path, blob.digest));
    for (const from of mountFrom) {
      if (this.#brought.has(keyOf(from, blob.digest)) || (await this.#holds(from, blob, { signal }))) return "mounted";
    }
    const repository: RepositoryReader & Partial<SourceMounts> = this.#target.repository(path);
    return source !== undefined && repository.mountsFrom?.(source) ? "mounted" : "written";
  }

  /** A stored blob of another size is none: whoever keeps files replaces it. */
  async #holds(path: string, { digest, size }: Blob, options: CallOptions): Promise<boolean> {
    return (await this.#target.repository(path).statBlob(digest, options))?.size === size;
  }
}

function keyOf(path: string, digest: Digest): string {
  return `${path}@${digest}`;
}
