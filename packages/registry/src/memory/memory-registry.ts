import type { Digest } from "../oci/digest.ts";
import { joinPath, parseRepositoryPath } from "../oci/reference.ts";
import type { Registry } from "../registry.ts";
import type { CallOptions } from "../repository.ts";
import { MemoryRepository } from "./memory-repository.ts";
import type { MemoryStore } from "./memory-store.ts";

/** Options of {@link MemoryRegistry}. */
export interface MemoryRegistryOptions {
  /** How messages name it. @defaultValue "memory" */
  readonly name?: string | undefined;
}

/** A registry in memory, for tests, examples and small jobs. Everything it holds was checked when it was written. */
export class MemoryRegistry implements Registry {
  readonly name: string;
  readonly #stores: Map<string, MemoryStore> = new Map();

  constructor({ name = "memory" }: MemoryRegistryOptions = {}) {
    this.name = name;
  }

  /**
   * The repository at `path`; it exists once something was put into it.
   * @throws RegistryError `INVALID_REFERENCE`
   */
  repository(path: string): MemoryRepository {
    if (path !== "") parseRepositoryPath(path);
    return new MemoryRepository(joinPath(this.name, path), path, this.#stores);
  }

  /** The paths of the repositories that hold a blob. */
  *repositoriesWithBlob(digest: Digest): Generator<string> {
    for (const [path, { blobs }] of this.#stores) if (blobs.has(digest)) yield path;
  }

  /** The paths that hold something, sorted bytewise. */
  async *repositories({ signal }: CallOptions = {}): AsyncGenerator<string> {
    signal?.throwIfAborted();
    for (const path of [...this.#stores.keys()].sort()) {
      signal?.throwIfAborted();
      yield path;
    }
  }
}
