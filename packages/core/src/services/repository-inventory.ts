import {
  type Descriptor,
  type Digest,
  formatName,
  isRegistryError,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import type { KnownBlob } from "../plan/inventory.ts";
import { LocalFirstRepository } from "../plan/local-first.ts";
import type { SourceView } from "../plan/planner.ts";
import { graphOf } from "../transfer/graph.ts";
import type { Pool } from "../transfer/pool.ts";
import { sourceError } from "../transfer/transfer-error.ts";

/** What the looks into a place's repositories share. */
export interface InventoryRun {
  /** Asks for each manifest once. */
  readonly source: SourceView;
  /** Limits what is asked at a time. */
  readonly questions: Pool;
  readonly signal: AbortSignal;
  readonly emit: OnEvent;
}

/** Looks into one repository: which configs and layers its tagged images have, and whether they are there. */
export class RepositoryInventory {
  readonly #repository: RepositoryReader;
  readonly #run: InventoryRun;
  readonly #named = new Map<Digest, Descriptor>();

  constructor(repository: RepositoryReader, run: InventoryRun) {
    this.#repository = repository;
    this.#run = run;
  }

  /** The blobs that are there, and those `relied` on by whatever brought them. @throws MirrorError `TRANSFER_FAILED` */
  async take(relied: ReadonlyMap<Digest, KnownBlob>): Promise<ReadonlyMap<Digest, KnownBlob>> {
    const tags = (await this.#run.source.tags(this.#repository)) ?? [];
    const seen = new Set<Digest>();
    await this.#each(tags, (tag) => this.#addImage(tag, seen));
    const there = new Map<Digest, KnownBlob>(relied);
    const absent: Digest[] = [];
    await this.#each([...this.#named.values()], async ({ digest, size }) => {
      if (relied.get(digest)?.size === size) return;
      if (await this.#isThere(digest, size)) there.set(digest, { digest, size });
      else absent.push(digest);
    });
    const [first] = absent.sort();
    if (first !== undefined) {
      const reference = formatName(this.#repository.name, first);
      const message = `${absent.length} of the blobs that images of ${this.#repository.name} need are not there, such as ${first}: they are not listed`;
      this.#run.emit({ type: "warning.raised", code: "BLOB_ABSENT", message, reference });
    }
    return there;
  }

  /** An image that is gone meanwhile, or that cannot be read whole, is nothing to rely on. */
  async #addImage(tag: Tag, seen: Set<Digest>): Promise<void> {
    const { source, signal, emit } = this.#run;
    const reference = formatName(this.#repository.name, tag);
    const manifest = await source.manifest(this.#repository, tag);
    if (!manifest) {
      const message = `what ${reference} is made of is not listed: the tag names nothing that is there`;
      emit({ type: "warning.raised", code: "IMAGE_UNUSABLE", message, reference });
      return;
    }
    if (seen.has(manifest.descriptor.digest)) return;
    seen.add(manifest.descriptor.digest);
    try {
      const repository = new LocalFirstRepository(this.#repository, source);
      const { blobs } = await graphOf(repository, manifest.descriptor, { signal });
      for (const blob of blobs) this.#named.set(blob.digest, this.#named.get(blob.digest) ?? blob);
    } catch (error) {
      if (!isRegistryError(error, "NOT_FOUND") && !isRegistryError(error, "INVALID_MANIFEST")) {
        throw sourceError(error, this.#repository.name, tag, signal);
      }
      const message = `what ${reference} is made of is not listed: ${error.message}`;
      emit({ type: "warning.raised", code: "IMAGE_UNUSABLE", message, reference });
    }
  }

  async #isThere(digest: Digest, size: number): Promise<boolean> {
    try {
      return (await this.#repository.statBlob(digest, { signal: this.#run.signal }))?.size === size;
    } catch (error) {
      throw sourceError(error, this.#repository.name, digest, this.#run.signal);
    }
  }

  async #each<Item>(items: readonly Item[], ask: (item: Item) => Promise<void>): Promise<void> {
    const { questions, signal } = this.#run;
    await Promise.all(items.map((item) => questions.run(() => ask(item), signal)));
  }
}
