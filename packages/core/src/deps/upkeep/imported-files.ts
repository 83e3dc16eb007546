import { lstat, readlink, stat, symlink } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { type Digest, digestAlgorithm, isRegistryError, parseDigest } from "@tranship/registry";
import { linkFile, takeName, temporaryFor } from "../../layout/atomic-file.ts";
import type { DepsCache } from "../cache/deps-cache.ts";
import { DepsError } from "../errors.ts";
import { onDisk, onDiskIfAny } from "../file-error.ts";
import type { ArchivePlace } from "./archive-names.ts";
import type { ArchiveReader } from "./archive-reader.ts";
import { type ExportedFile, invalidArchive } from "./export-file.ts";
import type { PlannedFile } from "./import-cache.ts";

type FilePlace = Extract<ArchivePlace, { readonly kind: "file" }>;

/** Takes files of an archive over, unless they are there. */
export class ImportedFiles {
  readonly #cache: DepsCache;
  readonly #reader: ArchiveReader;
  readonly #signal: AbortSignal;
  readonly #done: { readonly path: string; readonly digest: Digest; readonly size: number }[] = [];
  written = 0;
  present = 0;

  constructor(cache: DepsCache, reader: ArchiveReader, signal: AbortSignal) {
    this.#cache = cache;
    this.#reader = reader;
    this.#signal = signal;
  }

  /** The bytes of the files of which none of their size is there. */
  async missingBytes(files: readonly PlannedFile[]): Promise<number> {
    let bytes = 0;
    for (const { file, place } of files) {
      const found = "path" in place ? await onDiskIfAny(place.path, () => lstat(place.path)) : undefined;
      if (!found?.isFile() || found.size !== file.size) bytes += file.size;
    }
    return bytes;
  }

  async put({ file, entry }: PlannedFile, { path, digest }: FilePlace): Promise<void> {
    const expected = this.#note(path, file, digest);
    if (await this.#isThere(path, file, digest)) return;
    try {
      const open = (offset: number) => this.#reader.read(entry, offset, this.#signal);
      await using staged = await this.#cache.staging.fill({ digest: expected, size: file.size }, open, {
        signal: this.#signal,
      });
      if (digest !== undefined && digest !== expected) {
        const found = await this.#cache.contents.check(staged.path, { digest }, { signal: this.#signal });
        if (found !== "present") throw this.#misnamed(file);
      }
      await staged.moveTo(path);
    } catch (error) {
      if (!isRegistryError(error, "DIGEST_MISMATCH") && !isRegistryError(error, "SIZE_MISMATCH")) throw error;
      const reason = "its bytes are others than those that were exported";
      throw invalidArchive(this.#reader.path, reason, file.path, error);
    }
    await this.#cache.contents.note(path, digest ?? expected);
    this.written += 1;
  }

  /** Another name of a file that was put, or a copy where it can have only one. */
  async copy(of: PlannedFile, place: FilePlace): Promise<void> {
    if (of.place.kind !== "file") throw this.#misnamed(of.file);
    const { path, digest } = place;
    const from = of.place.path;
    const expected = this.#note(path, of.file, digest);
    if (await this.#isThere(path, of.file, digest)) return;
    if (
      digest !== undefined &&
      (await this.#cache.contents.check(from, { digest }, { signal: this.#signal })) !== "present"
    )
      throw this.#misnamed(of.file);
    await this.#cache.staging.prepare(path);
    try {
      await linkFile(dirname(path), from, path, await temporaryFor(path));
    } catch {
      return await this.put(of, place);
    }
    await this.#cache.contents.note(path, digest ?? expected);
    this.written += 1;
  }

  /** A relative link to a file; another name of it where there are no links. */
  async link(path: string, target: string): Promise<void> {
    const text = relative(dirname(path), target);
    const found = await onDiskIfAny(path, () => lstat(path));
    if (found?.isSymbolicLink() && (await onDisk(path, () => readlink(path))) === text) return;
    if (found?.isDirectory()) {
      const message = `cannot write ${path}: it is a folder`;
      throw new DepsError("FILE_FAILED", message, { path, reason: "EISDIR" });
    }
    await this.#cache.staging.prepare(path);
    await onDisk(path, async () => {
      const temporary = await temporaryFor(path);
      try {
        await symlink(text, temporary);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
        return await linkFile(dirname(path), target, path);
      }
      await takeName(temporary, path);
    });
  }

  /** Reads all files once more. @throws DepsError `INCOMPLETE` */
  async verify(): Promise<void> {
    for (const { path, digest, size } of this.#done) {
      const found = await this.#cache.contents.check(path, { digest, size }, { isDeep: true, signal: this.#signal });
      if (found === "present") continue;
      const message = `${path} is not what was written there`;
      throw new DepsError("INCOMPLETE", message, { item: path, path });
    }
  }

  #note(path: string, file: ExportedFile, digest: Digest | undefined): Digest {
    const { sha256, size } = file;
    const expected = parseDigest(`sha256:${sha256}`);
    if (digest !== undefined && digestAlgorithm(digest) === "sha256" && digest !== expected) throw this.#misnamed(file);
    this.#done.push({ path, digest: digest ?? expected, size });
    return expected;
  }

  async #isThere(path: string, { size, sha256 }: ExportedFile, digest: Digest | undefined): Promise<boolean> {
    const found = await onDiskIfAny(path, () => stat(path));
    if (!found?.isFile() || found.size !== size) return false;
    const expected = digest ?? parseDigest(`sha256:${sha256}`);
    const presence = await this.#cache.contents.check(path, { digest: expected, size }, { signal: this.#signal });
    if (presence === "present") this.present += 1;
    return presence === "present";
  }

  #misnamed({ path }: ExportedFile) {
    return invalidArchive(this.#reader.path, "its bytes are others than its name says", path);
  }
}
