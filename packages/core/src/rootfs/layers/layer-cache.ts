import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { link, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Blob, type Digest, digestAlgorithm, digestHex, formatDigest, hashFor } from "@tranship/registry";
import type { OnRootfsEvent } from "../events.ts";
import { evictLayers } from "./evict-layers.ts";
import type { KeptLayers } from "./fetch-layers.ts";
import { type LayerMeta, metaSuffix, readMeta, removeLayer, temporaryPrefix } from "./kept-layer.ts";

/** The time of access is written anew when it is older, in milliseconds. */
const accessGrainMs = 30_000;

/** Options of {@link LayerCache}. */
export interface LayerCacheOptions {
  /** Layers that were not used for longest go until the others are no more than this, in bytes. @defaultValue 20 GiB */
  readonly quotaBytes?: number | undefined;
  /** Told in a `CACHE_FAILED` warning what went wrong, each thing once. */
  readonly onEvent?: OnRootfsEvent | undefined;
  /** Milliseconds since 1970. @defaultValue the machine's clock */
  readonly now?: (() => number) | undefined;
}

/**
 * Layers that were fetched before, by digest, in `blobs/<algorithm>/` of a folder that runs may share. Nothing that goes wrong
 * with it fails a run: a layer that cannot be had from here is fetched.
 */
export class LayerCache implements KeptLayers, AsyncDisposable {
  readonly #directory: string;
  readonly #quotaBytes: number;
  readonly #onEvent: OnRootfsEvent | undefined;
  readonly #now: () => number;
  readonly #told = new Set<string>();
  #keptBytes = 0;

  constructor(directory: string, { quotaBytes = 20 * 1024 ** 3, onEvent, now = Date.now }: LayerCacheOptions = {}) {
    this.#directory = directory;
    this.#quotaBytes = quotaBytes;
    this.#onEvent = onEvent;
    this.#now = now;
  }

  /** Puts a layer at `path`, its bytes proven. `false` when it is not here, or is not what it should be: it goes then. */
  async take(blob: Blob, path: string, signal: AbortSignal): Promise<boolean> {
    const kept = this.#pathOf(blob.digest);
    try {
      const meta = await readMeta(kept);
      if (!meta) return false;
      const { size } = await stat(kept);
      if (meta.size !== size || size !== blob.size) throw new DamagedLayer(`${kept} has ${size} bytes`);
      await linkOrCopy(kept, path, signal); // its own name for it: others may remove theirs
      if ((await digestOfFile(path, blob.digest, signal)) !== blob.digest)
        throw new DamagedLayer(`${kept} has other bytes`);
      if (this.#now() - Date.parse(meta.lastAccess) >= accessGrainMs) await this.#writeMeta(blob, kept);
      return true;
    } catch (error) {
      await rm(path, { force: true }).catch(() => {});
      if (signal.aborted || (error as NodeJS.ErrnoException).code === "ENOENT") return false; // another run made room
      this.#warn(`cannot use layer ${blob.digest} of the cache`, error);
      if (error instanceof DamagedLayer) await this.#quietly("remove what is damaged", () => removeLayer(kept));
      return false;
    }
  }

  /** Keeps the layer at `path`, whose bytes are proven. One that is larger than all the cache may be is left out. */
  async keep(blob: Blob, path: string, signal: AbortSignal): Promise<void> {
    if (blob.size > this.#quotaBytes || blob.size === 0) return;
    const kept = this.#pathOf(blob.digest);
    const temporary = join(dirname(kept), `${temporaryPrefix}${process.pid}-${randomUUID()}`);
    await this.#quietly(
      `keep layer ${blob.digest}`,
      async () => {
        try {
          await mkdir(dirname(kept), { recursive: true, mode: 0o700 });
          await linkOrCopy(path, temporary, signal);
          await rename(temporary, kept);
          await this.#writeMeta(blob, kept);
        } finally {
          await rm(temporary, { force: true }); // renaming one name of a file to another of the same leaves both
        }
        this.#keptBytes += blob.size;
        if (this.#keptBytes > this.#quotaBytes / 10) await this.#evict();
      },
      signal,
    );
  }

  /** Makes room, if anything was kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#keptBytes > 0) await this.#quietly("make room", () => this.#evict());
  }

  async #evict(): Promise<void> {
    this.#keptBytes = 0;
    await evictLayers(this.#directory, this.#quotaBytes, this.#now());
  }

  async #writeMeta({ digest, size }: Blob, kept: string): Promise<void> {
    const meta: LayerMeta = { digest, size, lastAccess: new Date(this.#now()).toISOString() };
    const temporary = join(dirname(kept), `${temporaryPrefix}${process.pid}-${randomUUID()}`);
    try {
      await writeFile(temporary, `${JSON.stringify(meta)}\n`, { flag: "wx", mode: 0o600 });
      await rename(temporary, kept + metaSuffix);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  #pathOf(digest: Digest): string {
    return join(this.#directory, "blobs", digestAlgorithm(digest), digestHex(digest));
  }

  async #quietly(what: string, action: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!signal?.aborted) this.#warn(`cannot ${what} in the cache`, error);
    }
  }

  #warn(what: string, error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code ?? message;
    if (this.#told.has(reason)) return; // a folder that cannot be written is told once, not once a layer
    this.#told.add(reason);
    const text = `${what} ${this.#directory}: ${message}`;
    this.#onEvent?.({ type: "warning", warning: { code: "CACHE_FAILED", message: text } });
  }
}

/** A layer of the cache that is not what it should be; where anything else fails, it may well be. */
class DamagedLayer extends Error {}

/** A second name for a file or, on another file system, a copy. */
async function linkOrCopy(from: string, to: string, signal: AbortSignal): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EXDEV", "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code)) throw error;
    await pipeline(createReadStream(from), createWriteStream(to, { flags: "wx", mode: 0o600 }), { signal });
  }
}

async function digestOfFile(path: string, digest: Digest, signal: AbortSignal): Promise<Digest> {
  const hash = hashFor(digest);
  await pipeline(
    createReadStream(path, { highWaterMark: 1024 * 1024 }),
    async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of chunks) hash.update(chunk);
    },
    { signal },
  );
  return formatDigest(digestAlgorithm(digest), hash);
}
