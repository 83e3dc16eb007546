import type { Blob, Manifest, OpenBlob, PushBlobOptions, PushOutcome, RepositoryWriter } from "@tranship/registry";
import type { BringContext } from "../jobs/item-job.ts";
import type { ImageStore } from "./image-store.ts";
import type { KeptManifests } from "./kept-manifests.ts";

/**
 * Writes one repository of a store. A blob is taken from a repository that has it, by a second name for its file, else
 * gathered in the staging folder and moved to its place; nothing is listed.
 */
export class LayoutTarget implements RepositoryWriter {
  readonly name: string;
  readonly #store: ImageStore;
  readonly #repository: string;
  readonly #kept: KeptManifests;
  readonly #context: BringContext;

  constructor(store: ImageStore, repository: string, kept: KeptManifests, context: BringContext) {
    this.name = kept.directory.name;
    this.#store = store;
    this.#repository = repository;
    this.#kept = kept;
    this.#context = context;
  }

  async pushBlob(blob: Blob, open: OpenBlob, { signal }: PushBlobOptions = {}): Promise<PushOutcome> {
    const { digest, size } = blob;
    const until = signal ?? this.#context.signal;
    for (;;) {
      if ((await this.#kept.check({ digest, size })) === "present") return this.#had(size, "present");
      if (await this.#link(blob, until)) return this.#had(size, "mounted");
      const flight = this.#store.flights.get(digest);
      if (flight === undefined) break;
      await settled(flight, until); // whether it arrived is seen then
    }
    const flight = this.#fetch(blob, open, until);
    this.#store.flights.set(digest, flight);
    try {
      await flight;
    } finally {
      this.#store.flights.delete(digest);
    }
    return "written";
  }

  /** Stores the bytes; listing is for later, when all is there. */
  async pushManifest(manifest: Manifest): Promise<void> {
    await this.#kept.store(manifest);
    await this.#store.addHolder(manifest.descriptor.digest, this.#repository);
    this.#context.progress.add(manifest.bytes.byteLength);
  }

  async #fetch(blob: Blob, open: OpenBlob, signal: AbortSignal): Promise<void> {
    const { staging, progress } = this.#context;
    await using staged = await staging.fill(blob, open, { signal, onBytes: (bytes) => progress.add(bytes) });
    await this.#kept.directory.adoptBlob(blob.digest, (path) => staged.moveTo(path));
    await this.#note(blob);
  }

  async #link(blob: Blob, signal: AbortSignal): Promise<boolean> {
    const { contents, isDeep } = this.#context;
    for (const holder of await this.#store.holdersOf(blob.digest, signal)) {
      if (holder === this.#repository) continue;
      const from = this.#store.layout(holder);
      if ((await contents.check(from.fileOf(blob.digest), blob, { isDeep, signal })) !== "present") continue;
      if (!(await this.#kept.directory.linkBlob(blob, from, signal))) continue;
      await this.#note(blob);
      return true;
    }
    return false;
  }

  async #note({ digest }: Blob): Promise<void> {
    await this.#context.contents.note(this.#kept.directory.fileOf(digest), digest);
    await this.#store.addHolder(digest, this.#repository);
  }

  #had(size: number, outcome: PushOutcome): PushOutcome {
    this.#context.progress.add(size);
    return outcome;
  }
}

/** Waits for somebody else's work to end, well or not. @throws `signal.reason` */
async function settled(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<void>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work.catch(() => {}), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
