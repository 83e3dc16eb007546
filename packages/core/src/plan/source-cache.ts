import {
  type Digest,
  isDigest,
  isRegistryError,
  type Manifest,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import { sourceError } from "../transfer/transfer-error.ts";
import type { SourceView } from "./planner.ts";

/** Asks the source each thing once: one request for one manifest, one listing for one repository, shared by all who ask. */
export class SourceCache implements SourceView {
  readonly #signal: AbortSignal;
  readonly #manifests = new Map<string, Promise<Manifest | undefined>>();
  readonly #tags = new Map<string, Promise<readonly Tag[] | undefined>>();
  readonly #pins = new Map<string, Digest>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Fixes what a reference means for this run, as an earlier run found it. */
  pin(reference: string, digest: Digest): void {
    this.#pins.set(reference, digest);
  }

  manifest(repository: RepositoryReader, reference: Tag | Digest): Promise<Manifest | undefined> {
    if (!isDigest(reference)) {
      const pinned = this.#pins.get(`${repository.name}:${reference}`);
      if (pinned !== undefined) return this.manifest(repository, pinned);
    }
    return single(this.#manifests, `${repository.name}@${reference}`, async () => {
      const manifest = await this.#ask(repository, reference, () =>
        repository.manifest(reference, { signal: this.#signal }),
      );
      if (manifest) this.#manifests.set(`${repository.name}@${manifest.descriptor.digest}`, Promise.resolve(manifest));
      return manifest;
    });
  }

  tags(repository: RepositoryReader): Promise<readonly Tag[] | undefined> {
    return single(this.#tags, repository.name, () =>
      this.#ask(repository, "", async () => {
        const tags: Tag[] = [];
        for await (const tag of repository.tags({ signal: this.#signal })) tags.push(tag);
        return tags;
      }),
    );
  }

  async #ask<T>(repository: RepositoryReader, reference: string, question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await question();
    } catch (error) {
      if (isRegistryError(error, "NOT_FOUND")) return undefined;
      throw sourceError(error, repository.name, reference, this.#signal);
    }
  }
}

function single<T>(flights: Map<string, Promise<T>>, key: string, start: () => Promise<T>): Promise<T> {
  const known = flights.get(key);
  if (known) return known;
  const flight = start();
  flights.set(key, flight);
  return flight;
}
