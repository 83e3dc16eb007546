import { existsSync } from "node:fs";
import { join } from "node:path";
import type { MirrorEvent } from "../../events.ts";
import type { Section } from "../../plan/section.ts";
import { mapInFlight } from "../../transfer/map-in-flight.ts";
import type { SpaceGuard, SpaceNeed } from "../disk/space-guard.ts";
import type { OnSyncRefused } from "../disk/sync-folder.ts";
import { encodeTarHeader, tarPadding, tarTrailerBytes } from "../tar/tar-header.ts";
import { ArchiveFile } from "./archive-file.ts";
import { type ArchiveEntry, ArchiveLayout } from "./archive-layout.ts";
import { type ArchivePlace, filePathOf } from "./archive-place.ts";
import { isWholeAt } from "./archive-set.ts";
import { requireFileSize } from "./file-size-limit.ts";
import type { LocalBlobs } from "./local-blobs.ts";
import { publish } from "./publish.ts";
import { hasHeader } from "./standing-archive.ts";

/** Entries being filled at a time, most of them waiting for a place among those that are fetched: an archive may have a million. */
const inFlight = 256;

/** What an {@link ArchiveWriter} needs from the run it belongs to. */
export interface ArchiveWriterOptions {
  readonly folder: string;
  readonly archive: string;
  /** The size of its chunks, in bytes. @defaultValue it is one file */
  readonly chunkBytes?: number | undefined;
  readonly local: LocalBlobs;
  readonly space: SpaceGuard;
  /** Believe a published archive whose headers are right; without it, every archive is written anew. */
  readonly trustPublished: boolean;
  /** Makes the bytes of a blob's place right. */
  readonly fill: (file: ArchiveFile, entry: ArchiveEntry) => Promise<void>;
  /** Called before a published archive of that name comes or changes. */
  readonly beforePublish: () => void;
  readonly onSyncRefused?: OnSyncRefused | undefined;
  readonly emit: (event: MirrorEvent) => void;
}

/**
 * Writes one archive in place, section by section, under `.partial` names, and gives it its own when every byte
 * is right. A published archive that already says the same is left alone; it is compared by its headers, which name
 * every digest.
 */
export class ArchiveWriter implements Disposable, SpaceNeed {
  readonly #options: ArchiveWriterOptions;
  readonly #layout = new ArchiveLayout();
  readonly #entries: ArchiveEntry[] = [];
  /** Where it is while it is written, and then. */
  readonly #partial: ArchivePlace;
  readonly #final: ArchivePlace;
  #published: ArchiveFile | undefined;
  #file: ArchiveFile | undefined;

  constructor(options: ArchiveWriterOptions) {
    this.#options = options;
    const { folder, archive, chunkBytes } = options;
    this.#final = { path: join(folder, archive), isPartial: false, chunkBytes };
    this.#partial = { ...this.#final, isPartial: true };
    const isPublished = existsSync(filePathOf(this.#final)) && !existsSync(filePathOf(this.#partial));
    if (isPublished && options.trustPublished) this.#published = ArchiveFile.read({ place: this.#final });
    options.space.add(this);
  }

  /** @throws MirrorError `NO_SPACE`, `FILE_TOO_LARGE`, `FILE_FAILED`, and what filling a place throws */
  async add(section: Section): Promise<void> {
    await this.#extend(this.#layout.add(section));
    const outcome = this.#published ? "present" : "written";
    for (const { images } of section.repositories) {
      for (const { reference, digest } of images) {
        this.#options.emit({ type: "image.finished", side: "source", reference, digest, outcome });
      }
    }
  }

  /** Ends the archive and publishes it; gives its size in bytes. @throws MirrorError `NO_SPACE`, `FILE_TOO_LARGE`, `FILE_FAILED` */
  async finish(): Promise<{ readonly bytes: number; readonly outcome: "written" | "unchanged" }> {
    const { entries, size } = this.#layout.finish();
    if (this.#published && !isWholeAt(this.#final, size)) await this.#diverge();
    await this.#extend(entries);
    const outcome = this.#published ? "unchanged" : "written";
    if (this.#file) await this.#publish(this.#file, size);
    this.#options.emit({ type: "archive.finished", archive: this.#options.archive, bytes: size, outcome });
    return { bytes: size, outcome };
  }

  outstandingBytes(): number {
    return this.#file ? Math.max(0, this.#layout.size - this.#file.allocatedBytes) : 0;
  }

  [Symbol.dispose](): void {
    this.#options.space.remove(this);
    this.#published?.[Symbol.dispose]();
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
  }

  async #extend(entries: readonly ArchiveEntry[]): Promise<void> {
    for (const entry of entries) this.#entries.push(entry);
    const published = this.#published;
    if (!published) await this.#write(entries);
    else if (!entries.every((entry) => hasHeader(published, entry))) await this.#diverge();
  }

  /** The published archive is another one: what was only compared so far is written after all. */
  async #diverge(): Promise<void> {
    this.#published?.[Symbol.dispose]();
    this.#published = undefined;
    await this.#write(this.#entries);
  }

  async #write(entries: readonly ArchiveEntry[]): Promise<void> {
    requireFileSize(this.#partial, this.#layout.size);
    this.#file ??= ArchiveFile.write(this.#partial, this.#options.onSyncRefused);
    const file = this.#file;
    this.#options.space.check(file.path);
    for (const { name, headerOffset, offset, size, content } of entries) {
      file.write(headerOffset, encodeTarHeader(name, size));
      if (content.kind === "bytes") file.write(offset, content.bytes);
      file.write(offset + size, new Uint8Array(tarPadding(size)));
    }
    await fillAll(entries, (entry) => this.#options.fill(file, entry));
  }

  async #publish(file: ArchiveFile, size: number): Promise<void> {
    const { local, space, beforePublish, onSyncRefused } = this.#options;
    file.write(size - tarTrailerBytes, new Uint8Array(tarTrailerBytes));
    file.truncate(size);
    await file.sync();
    space.remove(this);
    file[Symbol.dispose]();
    this.#file = undefined;
    beforePublish();
    publish(this.#partial, size, onSyncRefused);
    local.move(this.#partial, this.#final); // in one go with the renames: nobody looks for a chunk in between
  }
}

/** Waits for all, so that nobody writes to a file that is being closed, then throws the failure of the first that has one. */
async function fillAll(entries: readonly ArchiveEntry[], fill: (entry: ArchiveEntry) => Promise<void>): Promise<void> {
  const failures = await mapInFlight(entries, inFlight, async (entry) => {
    try {
      await fill(entry);
      return undefined;
    } catch (error) {
      return { error };
    }
  });
  for (const failure of failures) if (failure) throw failure.error;
}
