import { createHash, randomUUID } from "node:crypto";
import { lstat, mkdir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, isRegistryError, parseDigest } from "@tranship/registry";
import type { DepsCache } from "../cache/deps-cache.ts";
import { onDisk, onDiskIfAny } from "../file-error.ts";
import type { ArchivePlace } from "./archive-names.ts";
import type { ArchiveReader } from "./archive-reader.ts";
import { incomingFolder, removedFolder } from "./cache-tree.ts";
import { invalidArchive } from "./export-file.ts";
import type { PlannedFile } from "./import-cache.ts";
import { mirrorFault } from "./mirror-files.ts";

type MirrorPlace = Extract<ArchivePlace, { readonly kind: "mirror" }>;

/** The largest file of settings that is read, in bytes. */
const maxSettingBytes = 64 * 1024;

/** Gathers git mirrors aside, and puts each in its place once it is whole. */
export class ImportedMirrors {
  readonly #cache: DepsCache;
  readonly #reader: ArchiveReader;
  readonly #pin: Digest;
  readonly #signal: AbortSignal;
  /** By the mirror's name: where it is gathered, and where it goes. */
  readonly #mirrors = new Map<string, { readonly aside: string; readonly path: string }>();

  /** `pin`: of the archive, so that nothing of another one is gone on with. */
  constructor(cache: DepsCache, reader: ArchiveReader, pin: Digest, signal: AbortSignal) {
    this.#pin = pin;
    this.#cache = cache;
    this.#reader = reader;
    this.#signal = signal;
  }

  async put({ file, entry }: PlannedFile, { mirror, name, path }: MirrorPlace): Promise<void> {
    const key = createHash("sha256").update(`${this.#pin} ${mirror}`).digest("hex").slice(0, 32);
    const aside = join(this.#cache.workFolder, incomingFolder, key);
    this.#mirrors.set(mirror, { aside, path: path.slice(0, path.length - name.length - 1) });
    if (name === "HEAD" || name === "config") {
      const fault = mirrorFault(name, await this.#reader.readSmall(entry, file, maxSettingBytes));
      if (fault !== undefined) throw invalidArchive(this.#reader.path, fault, file.path);
    }
    const destination = join(aside, ...name.split("/"));
    const digest = parseDigest(`sha256:${file.sha256}`);
    const expected = { digest, size: file.size };
    if ((await this.#cache.contents.check(destination, expected, { signal: this.#signal })) === "present") return;
    const open = (offset: number) => this.#reader.read(entry, offset, this.#signal);
    try {
      await using staged = await this.#cache.staging.fill(expected, open, { signal: this.#signal });
      await staged.moveTo(destination);
    } catch (error) {
      if (!isRegistryError(error, "DIGEST_MISMATCH") && !isRegistryError(error, "SIZE_MISMATCH")) throw error;
      const reason = "its bytes are others than those that were exported";
      throw invalidArchive(this.#reader.path, reason, file.path, error);
    }
  }

  /** Puts all in place, instead of what was there. */
  async finish(): Promise<void> {
    for (const { aside, path } of this.#mirrors.values()) {
      this.#signal.throwIfAborted();
      for (const folder of ["objects", "refs"])
        await onDisk(aside, () => mkdir(join(aside, folder), { recursive: true }));
      await this.#cache.staging.prepare(path);
      const before = await onDiskIfAny(path, () => lstat(path));
      const away = join(this.#cache.workFolder, removedFolder, randomUUID());
      if (before) {
        await this.#cache.staging.prepare(away);
        await onDisk(path, () => rename(path, away));
      }
      await onDisk(path, () => rename(aside, path));
      if (before) await onDisk(away, () => rm(away, { recursive: true, force: true }));
    }
    for (const folder of [incomingFolder, removedFolder])
      await rmdir(join(this.#cache.workFolder, folder)).catch(() => {}); // it is not there, or still of use
  }
}
