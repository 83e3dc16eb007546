import { isRegistryError } from "../errors.ts";
import { KeyedLock } from "../keyed-lock.ts";
import type { Digest } from "../oci/digest.ts";
import type { Registry, RegistryReader } from "../registry.ts";
import type { RepositoryDeleter, RepositoryReader, RepositoryWriter } from "../repository.ts";
import { ApiError, type ApiErrorCode, unsupported } from "./api-error.ts";

/** A registry that can tell at once which of its repositories hold a blob; others are not searched. */
export interface BlobFinder {
  repositoriesWithBlob(digest: Digest): Iterable<string>;
}

/** What may be done to the content of a {@link Home}. */
export interface HomeRights {
  readonly write: boolean;
  readonly delete: boolean;
  /** Mounts need not name the repository they take from. */
  readonly anonymousMount: boolean;
}

/** The content a server speaks for: any registry, and what may be done to it. */
export class Home {
  readonly registry: RegistryReader | Registry;
  readonly #rights: HomeRights;
  readonly #lock: KeyedLock = new KeyedLock();

  constructor(registry: RegistryReader | Registry, rights: HomeRights) {
    this.registry = registry;
    this.#rights = rights;
  }

  /** @throws ApiError `NAME_INVALID` for a path that cannot be one here */
  reader(path: string): RepositoryReader {
    return this.#repository(path);
  }

  /** @throws ApiError `UNSUPPORTED` where nothing can be written */
  writer(path: string): RepositoryReader & RepositoryWriter {
    const repository: RepositoryReader & Partial<RepositoryWriter> = this.#repository(path);
    if (!this.#rights.write || !isWriter(repository)) throw unsupported("this registry is read-only");
    return repository;
  }

  /** @throws ApiError `UNSUPPORTED` where nothing can be deleted */
  deleter(path: string): RepositoryReader & RepositoryDeleter {
    const repository: RepositoryReader & Partial<RepositoryDeleter> = this.#repository(path);
    const { write, delete: mayDelete } = this.#rights;
    if (!write || !mayDelete || !isDeleter(repository)) throw unsupported("nothing can be deleted from this registry");
    return repository;
  }

  /** Runs what changes names of a repository, tags or digests, after whatever else changes one of them. */
  async changing<Value>(path: string, references: readonly string[], work: () => Promise<Value>): Promise<Value> {
    const [first, ...others] = [...new Set(references)].sort(); // in one order, so that no two wait for each other
    if (first === undefined) return await work();
    return await this.#lock.run(`${path}:${first}`, () => this.changing(path, others, work)); // paths have no colons
  }

  /** Repositories an anonymous mount may take a blob from, where that is cheap to know; none where it is not. */
  repositoriesWithBlob(digest: Digest): Iterable<string> {
    const registry: RegistryReader & Partial<BlobFinder> = this.registry;
    return (this.#rights.anonymousMount && registry.repositoriesWithBlob?.(digest)) || [];
  }

  /**
   * The 404 for something missing in a repository: its own code where there is such a repository, else
   * `NAME_UNKNOWN`. Tells them apart by asking for the first tag.
   */
  async missing(path: string, code: ApiErrorCode, message: string, signal: AbortSignal): Promise<ApiError> {
    try {
      for await (const _tag of this.reader(path).tags({ signal })) break;
    } catch (error) {
      if (isRegistryError(error, "NOT_FOUND")) return new ApiError(404, "NAME_UNKNOWN", "no such repository");
    }
    return new ApiError(404, code, message);
  }

  /** A path is a path, and yet a home may have no room for it: a folder of layouts keeps files of its own. */
  #repository(path: string): RepositoryReader {
    try {
      return this.registry.repository(path);
    } catch (error) {
      if (isRegistryError(error, "INVALID_REFERENCE")) throw new ApiError(400, "NAME_INVALID", "not a repository here");
      throw error;
    }
  }
}

function isWriter(
  repository: RepositoryReader & Partial<RepositoryWriter>,
): repository is RepositoryReader & RepositoryWriter {
  return typeof repository.pushBlob === "function" && typeof repository.pushManifest === "function";
}

function isDeleter(
  repository: RepositoryReader & Partial<RepositoryDeleter>,
): repository is RepositoryReader & RepositoryDeleter {
  const { deleteTag, deleteManifest, deleteBlob } = repository;
  return [deleteTag, deleteManifest, deleteBlob].every((method) => typeof method === "function");
}
