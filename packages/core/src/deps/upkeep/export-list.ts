import { lstat } from "node:fs/promises";
import { type Digest, digestAlgorithm, digestHex, digestOf } from "@tranship/registry";
import { compareText } from "../../layout/index-file.ts";
import { hashFile } from "../cache/hash-file.ts";
import { DepsError } from "../errors.ts";
import { onDiskIfAny } from "../file-error.ts";
import type { DepsItem } from "../manifest.ts";
import { type CacheTree, placeName } from "./cache-tree.ts";
import type { ExportedFile, ExportFile } from "./export-file.ts";

/** Where the bytes of an archived file are. */
export type ExportSource = { readonly file: string } | { readonly bytes: Uint8Array };

/** Gathers what goes into an archive. */
export class ExportList {
  readonly #tree: CacheTree;
  readonly #signal: AbortSignal;
  readonly #files = new Map<string, ExportedFile & { readonly source: ExportSource }>();
  readonly #links = new Map<string, string>();
  readonly #mirrors = new Set<string>();

  constructor(tree: CacheTree, signal: AbortSignal) {
    this.#tree = tree;
    this.#signal = signal;
  }

  /**
   * A file of the cache. Without a SHA-256 digest it is read now; with one, when it is written.
   * @throws DepsError `INCOMPLETE`, `SINK_UNSUITABLE`
   */
  async addFile(path: string, item: DepsItem, digest?: Digest): Promise<void> {
    this.#signal.throwIfAborted();
    const name = this.nameOf(path, item);
    if (this.#files.has(name)) return;
    const found = await onDiskIfAny(path, () => lstat(path));
    if (!found?.isFile()) throw incomplete(item, path, "it is not there");
    const known = digest !== undefined && digestAlgorithm(digest) === "sha256";
    const sha256 = known ? digestHex(digest) : (await hashFile(path, "sha256", () => this.#signal.aborted))?.hex;
    this.#signal.throwIfAborted();
    if (sha256 === undefined) throw incomplete(item, path, "it cannot be read");
    this.#files.set(name, { path: name, size: found.size, sha256, source: { file: path } });
  }

  /** A file with these bytes, at a place in the cache. */
  addBytes(name: string, bytes: Uint8Array): void {
    const sha256 = digestHex(digestOf(bytes, "sha256"));
    this.#files.set(name, { path: name, size: bytes.byteLength, sha256, source: { bytes } });
  }

  addLink(path: string, target: string, item: DepsItem): void {
    this.#links.set(this.nameOf(path, item), this.nameOf(target, item));
  }

  addMirror(path: string, item: DepsItem): void {
    this.#mirrors.add(this.nameOf(path, item));
  }

  /** What a path is called in archives. @throws DepsError `SINK_UNSUITABLE` outside of the cache */
  nameOf(path: string, item: DepsItem): string {
    const place = this.#tree.placeOf(path);
    if (place !== undefined && place.names.length > 0) return placeName(place);
    const message = `cannot export ${item.id}: ${path} is in none of the folders of the cache`;
    throw new DepsError("SINK_UNSUITABLE", message, { item: item.id, source: item.source.type, sink: item.sink.type });
  }

  /** The files in the order they are written, each content once, and the list of all. */
  finish(
    items: readonly DepsItem[],
    state: ExportFile["state"],
  ): { readonly content: ExportFile; readonly sources: readonly (ExportedFile & { readonly source: ExportSource })[] } {
    const first = new Map<string, string>();
    const sources: (ExportedFile & { readonly source: ExportSource })[] = [];
    const copies: { path: string; of: string }[] = [];
    for (const file of [...this.#files.values()].sort((a, b) => compareText(a.path, b.path))) {
      const of = first.get(file.sha256);
      if (of !== undefined && isBlob(file.path)) copies.push({ path: file.path, of });
      else sources.push(file);
      if (of === undefined && isBlob(file.path)) first.set(file.sha256, file.path);
    }
    const content: ExportFile = {
      items: items
        .map(({ id, version, digest }) => ({ id, version, ...(digest === undefined ? {} : { digest }) }))
        .sort((a, b) => compareText(a.id, b.id)),
      files: sources.map(({ path, size, sha256 }) => ({ path, size, sha256 })),
      copies,
      links: [...this.#links].map(([path, target]) => ({ path, target })).sort((a, b) => compareText(a.path, b.path)),
      mirrors: [...this.#mirrors].sort(compareText),
      state,
    };
    return { content, sources };
  }
}

/** Whether a file is called by its digest, and so may be another name of the same bytes. */
function isBlob(name: string): boolean {
  return /\/blobs\/(?:sha256\/[0-9a-f]{64}|sha512\/[0-9a-f]{128})$/.test(name);
}

/** The error for an item that cannot be exported. */
export function incomplete({ id }: DepsItem, path: string, reason: string): DepsError<"INCOMPLETE"> {
  return new DepsError("INCOMPLETE", `cannot export ${id}: ${path}: ${reason}`, { item: id, path });
}
