import { setImmediate } from "node:timers/promises";
import {
  type BlobLane,
  type Digest,
  digestAlgorithm,
  formatDigest,
  formatName,
  hashFor,
  isManifestMediaType,
  isRegistryError,
  laneOf,
  RegistryError,
  type RepositoryReader,
} from "@tranship/registry";
import type { ArchiveFile } from "../bundle/archive/archive-file.ts";
import type { ArchiveEntry } from "../bundle/archive/archive-layout.ts";
import type { ArchivePlace } from "../bundle/archive/archive-place.ts";
import type { LocalBlobs, WantedPlace } from "../bundle/archive/local-blobs.ts";
import { PlaceWriter } from "../bundle/archive/place-writer.ts";
import { DirectWrites } from "../bundle/disk/direct-writes.ts";
import type { OnEvent } from "../events.ts";
import type { RunContext } from "../plan/planner.ts";
import type { PlannedBlob, PlannedRepository } from "../plan/section.ts";
import { Pool } from "./pool.ts";
import { type ReceiveOptions, receive, type Slot } from "./receive.ts";
import { transferError } from "./transfer-error.ts";

/** Progress is told once per so many bytes of a blob. */
const progressBytes = 1024 * 1024;

/**
 * Blobs end in zeros themselves, gzip's with the size and a tar with empty blocks: a place whose last bytes are zero may be
 * filled to the end, and is hashed before so few bytes are asked for.
 */
const shortRestBytes = 64 * 1024;

/** A smaller blob goes through the kernel's cache, in bytes: what that costs is less than to gather it and to wait. */
const directBlobBytes = 16 * 1024 * 1024;

/** Places looked at and local copies made at a time: they read files, and more would only hold more buffers. */
const localInFlight = 4;

/** How the bytes of a run came about, in bytes and blobs; a manifest counts as a blob. */
export interface FillTotals {
  fetchedBlobs: number;
  fetchedBytes: number;
  /** Copied from another place on this machine. */
  copiedBlobs: number;
  copiedBytes: number;
  /** Already in place from an interrupted run. */
  keptBlobs: number;
  keptBytes: number;
}

/** Options of a {@link BlobFiller}. */
export interface FillOptions extends Pick<ReceiveOptions, "attempts" | "delayMs"> {
  /** Blobs fetched at a time. */
  readonly inFlight: number;
  /**
   * What lies in a place may be all of the blob, however many zeros it ends in: it was written once. Otherwise zeros are
   * what is still to come. @defaultValue false
   */
  readonly wasWritten?: boolean | undefined;
}

/**
 * Fills the places of blobs in archives: with what lies there already, else from a place at hand, else from the source;
 * each digest is fetched once, whoever asks.
 */
export class BlobFiller {
  readonly totals: FillTotals = {
    fetchedBlobs: 0,
    fetchedBytes: 0,
    copiedBlobs: 0,
    copiedBytes: 0,
    keptBlobs: 0,
    keptBytes: 0,
  };
  readonly #local: LocalBlobs;
  readonly #run: RunContext;
  readonly #options: FillOptions;
  readonly #localPool = new Pool(localInFlight);
  readonly #fetchPool: Pool;
  readonly #direct = new DirectWrites();
  readonly #flights = new Map<Digest, Promise<void>>();

  constructor(local: LocalBlobs, run: RunContext, options: FillOptions) {
    this.#local = local;
    this.#run = run;
    this.#options = options;
    this.#fetchPool = new Pool(options.inFlight);
  }

  /** Makes `entry`'s bytes in `file` the blob's, read from `source` when they must be fetched; tells `emit`. */
  async fill(file: ArchiveFile, entry: ArchiveEntry, source: RepositoryReader, emit: OnEvent): Promise<void> {
    if (entry.content.kind !== "blob") return;
    const { blob, repository } = entry.content;
    const place = await this.#localPool.run(() => this.#look(file, entry, blob), this.#run.signal);
    const job = { place, blob, repository, emit };
    if (place.isRight) return this.#keep(job);
    if (await this.#copy(job)) return;
    for (;;) {
      const flight = this.#flights.get(blob.digest);
      if (!flight) break;
      await flight.catch(() => {}); // why it failed is its own item's affair: here another repository is asked
      if (await this.#copy(job)) return;
      if (this.#flights.get(blob.digest) === flight) break;
    }
    const fetch = this.#fetchPool.run(async () => this.#receive(await this.#begin(job), source), this.#run.signal);
    this.#flights.set(blob.digest, fetch);
    await fetch;
  }

  /** Settles when the fetch of a blob that is or was under way has come to its end; `undefined` when there is none. */
  arrival(digest: Digest): Promise<void> | undefined {
    return this.#flights.get(digest)?.catch(() => {});
  }

  /** What lies in the place: all of the blob, a beginning that may be its, or nothing. */
  async #look(file: ArchiveFile, { offset, size }: ArchiveEntry, blob: PlannedBlob): Promise<Place> {
    const filled = await file.endOfData(offset, size, this.#run.signal);
    const isShort = size - filled <= shortRestBytes || this.#options.wasWritten;
    if (!isShort || file.sizeAtOpen < offset + size) return new Place(file, offset, filled, false);
    const hash = hashFor(blob.digest);
    for (const piece of file.pieces(offset, size)) {
      hash.update(piece);
      await setImmediate(); // reads are synchronous: let others have their turn
      this.#run.signal.throwIfAborted();
    }
    const isRight = formatDigest(digestAlgorithm(blob.digest), hash) === blob.digest;
    if (!isRight && filled < size) return new Place(file, offset, filled, false);
    return new Place(file, offset, isRight ? size : 0, isRight);
  }

  #keep(job: Job): void {
    this.totals.keptBlobs += 1;
    this.totals.keptBytes += job.blob.size;
    this.#finish(job, "kept");
  }

  async #copy(job: Job): Promise<boolean> {
    const { place, blob } = job;
    if (!this.#local.has(blob.digest)) return false;
    const { signal } = this.#run;
    const copy = () => this.#local.copy(blob, place, signal);
    if (!(await this.#localPool.run(copy, signal))) return false;
    this.totals.copiedBlobs += 1;
    this.totals.copiedBytes += blob.size;
    this.#finish(job, "copied");
    return true;
  }

  /** The job with as much of the blob in its place as an unfinished archive of another plan has. */
  async #begin(job: Job): Promise<Job> {
    const { place, blob } = job;
    if (place.filledBytes > 0 || !this.#local.has(blob.digest)) return job;
    const { signal } = this.#run;
    const copy = () => this.#local.copyBeginning(blob, place, signal);
    return { ...job, place: new Place(place.file, place.offset, await this.#localPool.run(copy, signal), false) };
  }

  async #receive({ place, blob, repository, emit }: Job, source: RepositoryReader): Promise<void> {
    const { digest, size } = blob;
    const { signal } = this.#run;
    const told = { side: "source", repository: repository.path, digest } as const;
    const reference = formatName(source.name, digest);
    const startedMs = performance.now();
    emit({ type: "blob.started", ...told, size, offset: place.filledBytes });
    let untold = 0;
    const tell = () => {
      if (untold !== 0) emit({ type: "blob.progress", ...told, bytes: untold });
      untold = 0;
    };
    const retried = (code: string, attempt: number, delayMs: number) =>
      emit({ type: "transfer.retried", side: "source", reference, code, attempt, delayMs });
    try {
      const lane = isManifestMediaType(blob.mediaType)
        ? this.#manifestLane(source)
        : await this.#blobLane(blob, source);
      const fetchedBytes = await receive(blob, lane, new PlaceSlot(place, size, this.#direct), {
        attempts: this.#options.attempts,
        delayMs: this.#options.delayMs,
        signal,
        onBytes: (bytes) => {
          untold += bytes;
          if (untold >= progressBytes) tell();
        },
        onRestart: (bytes) => {
          untold -= bytes;
          tell();
          retried("DIGEST_MISMATCH", 1, 0);
        },
        onRetry: (error, attempt, delayMs) =>
          retried(isRegistryError(error) ? error.code : "UNKNOWN", attempt, delayMs),
      });
      this.totals.fetchedBlobs += 1;
      this.totals.fetchedBytes += fetchedBytes;
      this.totals.keptBytes += Math.max(0, size - fetchedBytes);
      this.#local.add(blob, place.file.place, place.offset, true);
      tell();
      const elapsedMs = Math.round(performance.now() - startedMs);
      emit({ type: "blob.finished", ...told, size, fetchedBytes, elapsedMs });
    } catch (error) {
      emit({ type: "blob.failed", ...told, size });
      throw transferError(error, "source", `read ${reference}`, reference, signal);
    }
  }

  #finish({ place, blob, repository, emit }: Job, reason: "kept" | "copied"): void {
    const { digest, size } = blob;
    this.#local.add(blob, place.file.place, place.offset, true);
    emit({ type: "blob.skipped", side: "local", repository: repository.path, digest, size, reason });
  }

  /** Manifests were read when the section was planned; their bytes are written from there. */
  #manifestLane(source: RepositoryReader): BlobLane {
    return {
      read: async (blob, offset, sink) => {
        const manifest = await this.#run.source.manifest(source, blob.digest);
        if (manifest) return sink(manifest.bytes.subarray(offset));
        const details = { registry: source.name, reference: blob.digest };
        throw new RegistryError("NOT_FOUND", `manifest ${blob.digest} is not at ${source.name}`, details);
      },
    };
  }

  /** What was read already to plan by is written from there; if that is not the blob, the source is asked. */
  async #blobLane(blob: PlannedBlob, source: RepositoryReader): Promise<BlobLane> {
    let held = await this.#run.source.heldBlob(blob);
    const lane = laneOf(source);
    return {
      read: async (one, offset, sink, signal) => {
        const bytes = held?.subarray(offset);
        held = undefined;
        return bytes ? sink(bytes) : lane.read(one, offset, sink, signal);
      },
    };
  }
}

/** A blob to put into a place. */
interface Job {
  readonly place: Place;
  readonly blob: PlannedBlob;
  readonly repository: PlannedRepository;
  readonly emit: OnEvent;
}

/** A blob's place in an archive, and how much of it is filled from before. */
class Place implements WantedPlace {
  readonly file: ArchiveFile;
  readonly place: ArchivePlace;
  readonly offset: number;
  readonly filledBytes: number;
  /** All of it is there and hashes to the digest. */
  readonly isRight: boolean;

  constructor(file: ArchiveFile, offset: number, filledBytes: number, isRight: boolean) {
    this.file = file;
    this.place = file.place;
    this.offset = offset;
    this.filledBytes = filledBytes;
    this.isRight = isRight;
  }

  write(position: number, bytes: Uint8Array): void {
    this.file.write(this.offset + position, bytes);
  }
}

/** A place as it is received into. */
class PlaceSlot implements Slot {
  readonly #place: Place;
  readonly #writer: PlaceWriter;

  constructor(place: Place, size: number, direct: DirectWrites) {
    this.#place = place;
    this.#writer = new PlaceWriter(place.file, place.offset, size, size < directBlobBytes ? undefined : direct);
  }

  get filledBytes(): number {
    return this.#place.filledBytes;
  }

  prefix(): Iterable<Uint8Array> {
    return this.#place.file.pieces(this.#place.offset, this.#place.filledBytes);
  }

  write(position: number, bytes: Uint8Array): void | Promise<void> {
    return this.#writer.write(position, bytes);
  }

  settle(): Promise<void> {
    return this.#writer.settle();
  }
}
