import { isRegistryError } from "../errors.ts";
import type { Registry, RegistryReader } from "../registry.ts";
import type { RepositoryReader, RepositoryWriter } from "../repository.ts";
import { ApiError, type ApiErrorCode, unsupported } from "./api-error.ts";

/** The content a server speaks for: any registry, and whether it may be written. */
export class Home {
  readonly registry: RegistryReader | Registry;
  readonly isReadOnly: boolean;

  constructor(registry: RegistryReader | Registry, isReadOnly: boolean) {
    this.registry = registry;
    this.isReadOnly = isReadOnly;
  }

  reader(path: string): RepositoryReader {
    return this.registry.repository(path);
  }

  /** @throws ApiError `UNSUPPORTED` where nothing can be written */
  writer(path: string): RepositoryReader & RepositoryWriter {
    const repository: RepositoryReader & Partial<RepositoryWriter> = this.registry.repository(path);
    if (this.isReadOnly || !isWriter(repository)) throw unsupported("this registry is read-only");
    return repository;
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
}

function isWriter(
  repository: RepositoryReader & Partial<RepositoryWriter>,
): repository is RepositoryReader & RepositoryWriter {
  return typeof repository.pushBlob === "function" && typeof repository.pushManifest === "function";
}
