import type { Descriptor, Digest } from "@tranship/registry";
import type { TarEntry } from "../../../bundle/tar/tar-reader.ts";
import type { BlobPiece, LayoutStorage, PiecesOptions } from "../../../layout/layout-content.ts";
import { layoutTagOf } from "../../../layout/layout-entry.ts";
import { LayoutIndex } from "../../../layout/layout-index.ts";
import { blobPath } from "../../../plan/section.ts";
import type { ArchiveFiles } from "./archive-files.ts";

/**
 * What an archive of images holds, by digest: its `blobs/`, files that are no blobs by name and were found to be one, and
 * manifests that were made for it.
 */
export class ArchiveBlobs implements LayoutStorage {
  readonly name: string;
  readonly #files: ArchiveFiles;
  readonly #known = new Map<Digest, TarEntry | Uint8Array>();
  readonly #listed: Descriptor[];
  #index: LayoutIndex;

  /** `listed` are the images the archive lists itself. */
  constructor(files: ArchiveFiles, listed: readonly Descriptor[]) {
    this.name = `docker-archive:${files.path}`;
    this.#files = files;
    this.#listed = [...listed];
    this.#index = new LayoutIndex(this.#listed, layoutTagOf);
  }

  /** Says that a file's bytes are a blob. Whoever reads them finds out whether they are. */
  addFile(digest: Digest, entry: TarEntry): void {
    this.#known.set(digest, entry);
  }

  /** Lists a manifest that is in no file. */
  addManifest(descriptor: Descriptor, bytes: Uint8Array): void {
    this.#known.set(descriptor.digest, bytes);
    this.#listed.push(descriptor);
    this.#index = new LayoutIndex(this.#listed, layoutTagOf);
  }

  index(): LayoutIndex {
    return this.#index;
  }

  async stat(digest: Digest): Promise<number | undefined> {
    const found = this.#find(digest);
    return found instanceof Uint8Array ? found.byteLength : found?.size;
  }

  async *pieces(
    digest: Digest,
    offset: number,
    length: number,
    { signal }: PiecesOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const found = this.#find(digest);
    if (found instanceof Uint8Array) yield found.slice(offset, offset + length);
    else if (found) yield* this.#files.pieces(found, offset, length, signal);
  }

  async places(digest: Digest): Promise<readonly BlobPiece[] | undefined> {
    const found = this.#find(digest);
    return found instanceof Uint8Array || !found ? undefined : await this.#files.places(found);
  }

  fileOf(digest: Digest): string {
    const found = this.#find(digest);
    const name = found && !(found instanceof Uint8Array) ? found.name : blobPath(digest);
    return `${name} in ${this.#files.path}`;
  }

  #find(digest: Digest): TarEntry | Uint8Array | undefined {
    return this.#known.get(digest) ?? this.#files.find(blobPath(digest));
  }
}
