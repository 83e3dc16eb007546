import type { CallOptions, RepositoryReader, RepositoryWriter } from "./repository.ts";

/** A tree of repositories, rooted at a path of a host, a bundle, a directory or a test's memory. */
export interface RegistryReader {
  /** How messages name it, such as `registry.example.com/deckhouse/fe`. */
  readonly name: string;
  /**
   * The repository at `path` below the root; the empty path is the root's own. No I/O: it need not exist.
   * @throws RegistryError `INVALID_REFERENCE`
   */
  repository(path: string): RepositoryReader;
  /** Paths of the repositories that exist, where the home can tell. */
  repositories(options?: CallOptions): AsyncIterable<string>;
}

/** A {@link RegistryReader} that can be written too. */
export interface Registry extends RegistryReader {
  repository(path: string): RepositoryReader & RepositoryWriter;
}
