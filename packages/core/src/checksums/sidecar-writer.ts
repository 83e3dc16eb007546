import { existsSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { locally } from "../bundle/disk/local-error.ts";
import { syncFolder } from "../bundle/disk/sync-folder.ts";
import { writeWhole } from "../bundle/disk/write-whole.ts";
import type { OnEvent } from "../events.ts";
import { Pool } from "../transfer/pool.ts";
import { DigestThread } from "./digest-thread.ts";
import { type ChecksumKind, formatSidecar, sidecarName } from "./sidecar.ts";

/** Files hashed at a time, at most: each takes a processor. */
const maxAtATime = 4;

/** Options of {@link SidecarWriter}. */
export interface SidecarWriterOptions {
  /** The folder that the files and their checksums are in. */
  readonly folder: string;
  /** What is written beside each file. Without any, no file is read. */
  readonly kinds: readonly ChecksumKind[];
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnEvent | undefined;
}

/**
 * Writes checksums of files beside them, each file read once, in threads of their own while its owner does other things.
 * A sidecar that is there already stays, and its file is not read for it: whoever changes a file removes its sidecars.
 */
export class SidecarWriter implements AsyncDisposable {
  readonly #folder: string;
  readonly #kinds: readonly ChecksumKind[];
  readonly #onEvent: OnEvent | undefined;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #pool = new Pool(Math.min(maxAtATime, availableParallelism()));
  /** Threads without a file. */
  readonly #idle: DigestThread[] = [];
  readonly #works = new Map<string, Promise<void>>();

  constructor({ folder, kinds, signal, onEvent }: SidecarWriterOptions) {
    this.#folder = folder;
    this.#kinds = [...new Set(kinds)];
    this.#onEvent = onEvent;
    this.#signal = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
  }

  /** Starts with these files of the folder; one that it knows is not taken again. Failures come with {@link finish}. */
  add(files: Iterable<string>): void {
    if (this.#kinds.length === 0) return;
    for (const file of files) {
      if (this.#works.has(file)) continue;
      const work = this.#pool.run(() => this.#hash(file), this.#signal);
      this.#works.set(file, work);
      work.catch((error: unknown) => this.#stop.abort(error));
    }
  }

  /** Waits until the checksums of all files are written. @throws MirrorError `FILE_FAILED`, `NO_SPACE` */
  async finish(): Promise<void> {
    await Promise.allSettled(this.#works.values());
    this.#signal.throwIfAborted(); // the first failure is the reason
    if (this.#works.size > 0) syncFolder(this.#folder);
  }

  /** Stops what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("no longer needed"));
    await Promise.allSettled(this.#works.values());
    for (const thread of this.#idle) await thread[Symbol.asyncDispose]();
  }

  async #hash(file: string): Promise<void> {
    const kinds = this.#kinds.filter((kind) => !existsSync(join(this.#folder, sidecarName(file, kind))));
    if (kinds.length === 0) return;
    const path = join(this.#folder, file);
    const startedMs = performance.now();
    const size = locally(path, () => statSync(path).size);
    this.#onEvent?.({ type: "checksum.started", file, size });
    const onBytes = (bytes: number) => this.#onEvent?.({ type: "checksum.progress", file, bytes });
    const thread = this.#idle.pop() ?? new DigestThread();
    const digests = await thread.digest(path, kinds, { signal: this.#signal, onBytes }); // ends with it when it fails
    this.#idle.push(thread);
    for (const [kind, hex] of digests) {
      const sidecar = join(this.#folder, sidecarName(file, kind));
      writeWhole(sidecar, formatSidecar(kind, hex, file), { mode: 0o644 });
    }
    const elapsedMs = Math.round(performance.now() - startedMs);
    this.#onEvent?.({ type: "checksum.finished", file, size, kinds, elapsedMs });
  }
}
