import { Annotation, type Descriptor, sharedText } from "@tranship/registry";
import {
  compareText,
  encodeIndexFile,
  formatIndexEntry,
  ociLayoutText,
  requireReadable,
  sortDescriptors,
} from "../../layout/index-file.ts";
import { withLeftOut } from "../../layout/left-out.ts";
import { leftOutByImage } from "../../plan/left-out.ts";
import {
  blobPath,
  type PlannedBlob,
  type PlannedImage,
  type PlannedRepository,
  type Section,
} from "../../plan/section.ts";
import { tarHeaderBytes, tarPadding, tarTrailerBytes } from "../tar/tar-header.ts";

/** A file of an archive that is known byte for byte, or by the digest of what belongs there. Offsets in bytes. */
export interface ArchiveEntry {
  readonly name: string;
  /** Where its header starts, which its name and size make. */
  readonly headerOffset: number;
  /** Where the data starts. */
  readonly offset: number;
  readonly size: number;
  readonly content:
    | { readonly kind: "bytes"; readonly bytes: Uint8Array }
    | { readonly kind: "blob"; readonly blob: PlannedBlob; readonly repository: PlannedRepository };
}

/**
 * Where everything lies in an archive: pure arithmetic over its sections, so the same sections always make the same
 * bytes, and a resumed archive needs no reading back.
 */
export class ArchiveLayout {
  #position = 0;
  readonly #repositories = new Map<string, PlannedRepository[]>();
  readonly #indexBytes = new Map<string, number>();

  /** Bytes laid out so far. */
  get size(): number {
    return this.#position;
  }

  /** Lays out the blobs of one section, bytewise by name. @throws MirrorError `FILE_TOO_LARGE` when an index grows too large */
  add(section: Section): readonly ArchiveEntry[] {
    for (const repository of section.repositories) {
      const parts = this.#repositories.get(repository.path) ?? [];
      this.#repositories.set(repository.path, parts);
      parts.push(repository);
      this.#requireReadableIndex(repository);
    }
    return section.repositories
      .flatMap((repository) =>
        repository.blobs.map((blob) => {
          const name = sharedText(nameIn(repository, blobPath(blob.digest))); // a lock and an archive's reader have it, too
          return { name, blob, repository };
        }),
      )
      .sort((a, b) => compareText(a.name, b.name))
      .map(({ name, blob, repository }) => this.#place(name, blob.size, { kind: "blob", blob, repository }));
  }

  /**
   * Lays out what ends the archive: the index and layout file of every repository. `size` is the finished archive's.
   * @throws MirrorError `FILE_TOO_LARGE`
   */
  finish(): { readonly entries: readonly ArchiveEntry[]; readonly size: number } {
    const files = [...this.#repositories].flatMap(([path, parts]) => [
      { name: nameIn({ path }, "index.json"), bytes: encodeIndexFile(sortDescriptors(indexEntries(parts))) },
      { name: nameIn({ path }, "oci-layout"), bytes: new TextEncoder().encode(ociLayoutText) },
    ]);
    const entries = files
      .sort((a, b) => compareText(a.name, b.name))
      .map(({ name, bytes }) => {
        requireReadable(name, bytes.byteLength);
        return this.#place(name, bytes.byteLength, { kind: "bytes", bytes });
      });
    this.#position += tarTrailerBytes;
    return { entries, size: this.#position };
  }

  /** Before the blobs are fetched: what an index comes to is known with its images, but for what they leave out. */
  #requireReadableIndex(repository: PlannedRepository): void {
    const { path, images } = repository;
    let bytes = this.#indexBytes.get(path) ?? 0;
    for (const image of images) bytes += formatIndexEntry(indexEntry(image)).length;
    this.#indexBytes.set(path, bytes);
    requireReadable(nameIn(repository, "index.json"), bytes);
  }

  #place(name: string, size: number, content: ArchiveEntry["content"]): ArchiveEntry {
    const headerOffset = this.#position;
    const offset = headerOffset + tarHeaderBytes(name);
    this.#position = offset + size + tarPadding(size);
    return { name, headerOffset, offset, size, content };
  }
}

function nameIn({ path }: { readonly path: string }, file: string): string {
  return path === "" ? file : `${path}/${file}`;
}

/**
 * How an `index.json` lists the images of one repository: `parts` are what the sections of one archive say of it. An image
 * of which something is left out says so.
 */
export function indexEntries(parts: readonly PlannedRepository[]): readonly Descriptor[] {
  const leftOut = leftOutByImage(parts);
  const images = parts.flatMap((part) => part.images);
  return images.map((image) => withLeftOut(indexEntry(image), leftOut.get(image.digest) ?? []));
}

function indexEntry({ tag, reference, mediaType, digest, size }: PlannedImage): Descriptor {
  return { mediaType, digest, size, annotations: { [Annotation.refName]: reference, [Annotation.shortTag]: tag } };
}
