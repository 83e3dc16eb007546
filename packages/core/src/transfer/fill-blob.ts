import {
  type BlobLane,
  type Digest,
  formatName,
  isManifestMediaType,
  isRegistryError,
  laneOf,
  RegistryError,
  type RepositoryReader,
} from "@tranship/registry";
import type { ArchiveFile } from "../bundle/archive-file.ts";
import type { ArchiveEntry } from "../bundle/archive-layout.ts";
import type { LocalBlobs } from "../bundle/local-blobs.ts";
import type { RunContext } from "../plan/planner.ts";
import type { PlannedBlob, PlannedRepository } from "../plan/section.ts";
import { type ReceiveOptions, receive, type Slot } from "./receive.ts";
import { transferError } from "./transfer-error.ts";

/** Progress is told once per so many bytes of a blob. */
const progressBytes = 1024 * 1024;

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
  readonly #retry: Pick<ReceiveOptions, "attempts" | "delayMs">;
  readonly #flights = new Map<Digest, Promise<void>>();

  constructor(local: LocalBlobs, run: RunContext, retry: Pick<ReceiveOptions, "attempts" | "delayMs"> = {}) {
    this.#local = local;
    this.#retry = retry;
    this.#run = run;
  }

  /** Makes `entry`'s bytes in `file` the blob's, read from `source` when they must be fetched. */
  async fill(file: ArchiveFile, entry: ArchiveEntry, source: RepositoryReader): Promise<void> {
    if (entry.content.kind !== "blob") return;
    const { blob, repository } = entry.content;
    const place = new Place(file, entry);
    if (place.filledBytes < blob.size || blob.size === 0) {
      if (await this.#copy(place, blob, repository)) return;
      const flight = this.#flights.get(blob.digest);
      if (flight) {
        await flight;
        if (await this.#copy(place, blob, repository)) return;
      }
    }
    const fetch = this.#receive(place, blob, repository, source);
    this.#flights.set(blob.digest, fetch);
    await fetch;
  }

  async #copy(place: Place, blob: PlannedBlob, repository: PlannedRepository): Promise<boolean> {
    if (!this.#local.has(blob.digest)) return false;
    if (!(await this.#local.copy(blob.digest, blob.size, (at, bytes) => place.write(at, bytes)))) return false;
    this.totals.copiedBlobs += 1;
    this.totals.copiedBytes += blob.size;
    this.#finish(place, blob, repository, "copied");
    return true;
  }

  async #receive(
    place: Place,
    blob: PlannedBlob,
    repository: PlannedRepository,
    source: RepositoryReader,
  ): Promise<void> {
    const { digest, size } = blob;
    const { signal, emit } = this.#run;
    const told = { side: "source", repository: repository.path, digest } as const;
    const startedMs = performance.now();
    emit({ type: "blob.started", ...told, size, offset: place.filledBytes });
    let untold = 0;
    const onBytes = (bytes: number) => {
      untold += bytes;
      if (untold < progressBytes) return;
      emit({ type: "blob.progress", ...told, bytes: untold });
      untold = 0;
    };
    const onRetry = (error: unknown, attempt: number, delayMs: number) => {
      const code = isRegistryError(error) ? error.code : "UNKNOWN";
      emit({
        type: "transfer.retried",
        side: "source",
        reference: formatName(source.name, digest),
        code,
        attempt,
        delayMs,
      });
    };
    try {
      const lane = isManifestMediaType(blob.mediaType) ? this.#manifestLane(source) : laneOf(source);
      const fetchedBytes = await receive(blob, lane, place, { ...this.#retry, signal, onBytes, onRetry });
      if (fetchedBytes === 0 && size > 0) {
        this.totals.keptBlobs += 1;
        this.totals.keptBytes += size;
        return this.#finish(place, blob, repository, "kept");
      }
      this.totals.fetchedBlobs += 1;
      this.totals.fetchedBytes += fetchedBytes;
      this.totals.keptBytes += Math.max(0, size - fetchedBytes);
      this.#remember(place, blob);
      if (untold > 0) emit({ type: "blob.progress", ...told, bytes: untold });
      emit({
        type: "blob.finished",
        ...told,
        size,
        fetchedBytes,
        elapsedMs: Math.round(performance.now() - startedMs),
      });
    } catch (error) {
      throw transferError(error, "source", "read", formatName(source.name, digest), signal);
    }
  }

  #finish(place: Place, blob: PlannedBlob, repository: PlannedRepository, reason: "kept" | "copied"): void {
    const { digest, size } = blob;
    this.#remember(place, blob);
    this.#run.emit({ type: "blob.skipped", side: "local", repository: repository.path, digest, size, reason });
  }

  #remember({ file, offset }: Place, { digest, size }: PlannedBlob): void {
    this.#local.add(digest, { path: file.path, offset, size });
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
}

/** A blob's place in an archive. */
class Place implements Slot {
  readonly file: ArchiveFile;
  readonly offset: number;
  readonly filledBytes: number;

  constructor(file: ArchiveFile, { offset, size }: ArchiveEntry) {
    this.file = file;
    this.offset = offset;
    this.filledBytes = file.endOfData(offset, size);
  }

  prefix(): Iterable<Uint8Array> {
    return this.file.pieces(this.offset, this.filledBytes);
  }

  write(position: number, bytes: Uint8Array): void {
    this.file.write(this.offset + position, bytes);
  }
}
