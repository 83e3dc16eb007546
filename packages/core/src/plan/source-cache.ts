import {
  type Blob,
  type Descriptor,
  type Digest,
  formatName,
  isDigest,
  isRegistryError,
  type Manifest,
  type ReferrersOptions,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { askingAgain, type Patience } from "../transfer/asking-again.ts";
import { Pool } from "../transfer/pool.ts";
import { transferError } from "../transfer/transfer-error.ts";
import { answeredInTime } from "./answered-in-time.ts";
import type { SourceView, TagsOptions } from "./planner.ts";
import { SmallBlobs } from "./small-blobs.ts";

/** Bytes of manifests kept at hand. A run with more forgets the oldest and reads them again where they were written. */
const maxHeldBytes = 32 * 1024 * 1024;

/** Questions under way at a time; a registry's own limit may be lower. */
const inFlight = 32;

/** Gives the bytes of a manifest or a small blob from this machine, when they are there. */
export type Recall = (blob: Blob) => Promise<Uint8Array | undefined>;

/** Asks the source each thing once: one request for one manifest, one listing for one repository, shared by all who ask. */
export class SourceCache implements SourceView {
  /** How bytes that are no longer held are found again before the source is asked once more. */
  recall: Recall = async () => undefined;
  /** Where a blob is on its way to this machine: settles when it is there, or has failed. */
  arrival: (digest: Digest) => Promise<void> | undefined = () => undefined;
  readonly #patience: Patience;
  readonly #pool = new Pool(inFlight);
  readonly #maxHeldBytes: number;
  readonly #manifests = new Map<string, Promise<Manifest | undefined>>();
  readonly #tags = new Map<string, Promise<readonly Tag[] | undefined>>();
  readonly #referrers = new Map<string, Promise<readonly Descriptor[] | undefined>>();
  readonly #pins = new Map<string, Digest>();
  readonly #blobs = new SmallBlobs();
  readonly #made = new Map<string, Manifest>();
  /** Manifests whose bytes are held, oldest first. */
  readonly #held = new Map<string, Descriptor>();
  readonly #released = new Map<string, Descriptor>();
  #heldBytes = 0;
  #hasAnswered = false;

  constructor(patience: Patience, heldBytes: number = maxHeldBytes) {
    this.#patience = patience;
    this.#maxHeldBytes = heldBytes;
  }

  /** Whether the source has given a manifest in this run: it does not refuse everything. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Fixes what a reference means for this run, as an earlier run found it. */
  pin(reference: string, digest: Digest): void {
    this.#pins.set(reference, digest);
  }

  manifest(repository: RepositoryReader, reference: Tag | Digest): Promise<Manifest | undefined> {
    if (isDigest(reference)) return this.#byDigest(repository, reference);
    const name = `${repository.name}:${reference}`;
    const pinned = this.#pins.get(name);
    if (pinned !== undefined) return this.#pinned(repository, name, pinned);
    return single(this.#manifests, name, async () => {
      const manifest = await this.#fetch(repository, reference);
      if (!manifest) return undefined;
      this.pin(name, manifest.descriptor.digest); // from now on it means this, whatever becomes of the tag
      this.#hold(`${repository.name}@${manifest.descriptor.digest}`, Promise.resolve(manifest), manifest);
      this.#manifests.delete(name);
      return manifest;
    });
  }

  tags(repository: RepositoryReader, { answerWithinMs = 0 }: TagsOptions = {}): Promise<readonly Tag[] | undefined> {
    return single(this.#tags, repository.name, () =>
      this.#ask(`list the tags of ${repository.name}`, repository.name, async () => {
        const tags: Tag[] = [];
        const limit = { ms: answerWithinMs, signal: this.#patience.signal, what: repository.name };
        for await (const tag of answeredInTime((signal) => repository.tags({ signal }), limit)) tags.push(tag);
        return tags;
      }),
    );
  }

  async referrers(
    repository: RepositoryReader,
    subject: Digest,
    options?: Pick<ReferrersOptions, "readsFallbackTag">,
  ): Promise<readonly Descriptor[]> {
    const name = formatName(repository.name, subject);
    const found = await single(this.#referrers, name, () =>
      this.#ask(`list what refers to ${name}`, name, async () => {
        const referrers: Descriptor[] = [];
        for await (const one of repository.referrers(subject, { ...options, signal: this.#patience.signal }))
          referrers.push(one);
        return referrers;
      }),
    );
    return found ?? [];
  }

  async blob(repository: RepositoryReader, blob: Blob): Promise<Uint8Array> {
    const arrival = this.arrival(blob.digest);
    if (arrival) await arrival; // not as a part of the read: what arrives may be waiting for one
    return await this.#blobs.find(blob, async () => (await this.recall(blob)) ?? (await this.#read(repository, blob)));
  }

  heldBlob(blob: Blob): Promise<Uint8Array | undefined> {
    return this.#blobs.held(blob);
  }

  provide(repository: Pick<RepositoryReader, "name">, manifest: Manifest): void {
    this.#made.set(`${repository.name}@${manifest.descriptor.digest}`, manifest);
  }

  async #pinned(repository: RepositoryReader, reference: string, digest: Digest): Promise<Manifest> {
    const manifest = await this.#byDigest(repository, digest);
    if (manifest) return manifest;
    const message = `${reference} was planned as ${digest}, which is no longer at the source`;
    throw new MirrorError("PLAN_OUTDATED", message, { reference, reason: "not at the source" });
  }

  #byDigest(repository: RepositoryReader, digest: Digest): Promise<Manifest | undefined> {
    const name = `${repository.name}@${digest}`;
    const made = this.#made.get(name);
    if (made) return Promise.resolve(made);
    const flight = single(this.#manifests, name, async () => {
      const released = this.#released.get(name);
      const bytes = released && (await this.recall(released));
      const manifest = released && bytes ? { descriptor: released, bytes } : await this.#fetch(repository, digest);
      if (manifest) this.#hold(name, flight, manifest);
      return manifest;
    });
    return flight;
  }

  #hold(name: string, flight: Promise<Manifest | undefined>, { descriptor }: Manifest): void {
    if (this.#held.has(name)) return;
    this.#manifests.set(name, flight);
    this.#held.set(name, descriptor);
    this.#heldBytes += descriptor.size;
    for (const [oldest, { size }] of this.#held) {
      if (this.#heldBytes <= this.#maxHeldBytes || oldest === name) return;
      this.#release(oldest, size);
    }
  }

  #release(name: string, size: number): void {
    const descriptor = this.#held.get(name);
    this.#held.delete(name);
    this.#manifests.delete(name);
    this.#heldBytes -= size;
    if (descriptor) this.#released.set(name, descriptor);
  }

  /** Whoever asks for it knows how patiently to ask again. */
  async #read(repository: RepositoryReader, blob: Blob): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of repository.fetchBlob(blob, { signal: this.#patience.signal })) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async #fetch(repository: RepositoryReader, reference: Tag | Digest): Promise<Manifest | undefined> {
    const name = formatName(repository.name, reference);
    const manifest = await this.#ask(`read ${name}`, name, () =>
      repository.manifest(reference, { signal: this.#patience.signal }),
    );
    this.#hasAnswered ||= manifest !== undefined;
    return manifest;
  }

  /** `what` could not be done with `name` if the question fails; `undefined` when it is not there. */
  async #ask<T>(what: string, name: string, question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#pool.run(() => askingAgain(question, this.#patience), this.#patience.signal);
    } catch (error) {
      if (isRegistryError(error, "NOT_FOUND")) return undefined;
      throw transferError(error, "source", what, name, this.#patience.signal);
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
