import { tarPadding } from "../../../bundle/tar/tar-header.ts";
import { type ByteString, textOfByteString } from "../../../layer-archive/byte-string.ts";
import { atFile } from "../../file-error.ts";
import type { DirectoryInode, Inode } from "../../tree/inode.ts";
import { walkTree } from "../../tree/walk-tree.ts";
import type { ContentTarget } from "../content-target.ts";
import { writeAt } from "../file-writer.ts";
import { encodeEntry } from "./encode-entry.ts";
import { sparseMapOf } from "./sparse-map.ts";

/** Where everything of an archive is. */
export interface TarLayout {
  /** What is still to be written: the contents of files. */
  readonly targets: readonly ContentTarget[];
  /** Of the contents, holes left out, in bytes. */
  readonly dataBytes: number;
  /** Of the archive, its end included. */
  readonly sizeBytes: number;
  readonly entries: number;
}

/** The end of every archive: two blocks of zeros. */
const endBytes = 1024;

/** Entries laid out without the event loop having its turn. */
const atOnce = 2000;

/** Headers that follow each other are written together, up to so many bytes. */
const batchBytes = 256 * 1024;

/**
 * Writes all of a tree's archive but the contents of files, which it leaves room for.
 * @throws RootfsError `FILE_FAILED`, `NO_SPACE`
 */
export async function writeLayout(
  root: DirectoryInode,
  descriptor: number,
  { path, signal }: { readonly path: ByteString; readonly signal: AbortSignal | undefined },
): Promise<TarLayout> {
  const targets: ContentTarget[] = [];
  const firstNames = new Map<Inode, ByteString>();
  const batch = new Batch(descriptor, path);
  let [entries, dataBytes] = [0, 0];
  for (const { path: name, inode } of walkTree(root)) {
    entries += 1;
    if (entries % atOnce === 0) await new Promise(setImmediate);
    signal?.throwIfAborted();
    if (inode.type === "directory") {
      batch.add(encodeEntry(inode, { name: name === "" ? "./" : `${name}/` }));
      continue;
    }
    const linkTo = firstNames.get(inode);
    if (linkTo !== undefined) {
      batch.add(encodeEntry(inode, { name, linkTo }));
      continue;
    }
    firstNames.set(inode, name);
    if (inode.type !== "file") {
      batch.add(encodeEntry(inode, { name }));
      continue;
    }
    const sparse = sparseMapOf(inode);
    batch.add(encodeEntry(inode, { name, sparse }));
    if (!sparse) {
      if (inode.size > 0) targets.push({ inode, path, position: batch.end });
      dataBytes += inode.size;
      batch.leaveRoom(inode.size);
      continue;
    }
    batch.add(sparse.map);
    const layer = "layer" in inode.content ? inode.content.layer : 0;
    const { pieces: extents } = sparse;
    const size = sparse.storedBytes - sparse.map.byteLength;
    targets.push({ inode: { size, content: { layer, offset: 0, extents } }, path, position: batch.end });
    for (const { length } of extents) dataBytes += length;
    batch.leaveRoom(size);
  }
  batch.flush();
  return { targets, dataBytes, sizeBytes: batch.end + endBytes, entries };
}

/** Gathers headers that follow each other. */
class Batch {
  /** Where what is added next goes. */
  end = 0;
  readonly #descriptor: number;
  readonly #path: ByteString;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(descriptor: number, path: ByteString) {
    this.#descriptor = descriptor;
    this.#path = path;
  }

  add(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.byteLength;
    this.end += bytes.byteLength;
    if (this.#bytes >= batchBytes) this.flush();
  }

  /** For so many bytes that somebody else writes, and what fills their last block. */
  leaveRoom(bytes: number): void {
    if (bytes === 0) return;
    this.flush();
    this.end += bytes + tarPadding(bytes);
  }

  flush(): void {
    const [bytes, position] = [Buffer.concat(this.#pieces), this.end - this.#bytes];
    this.#pieces = [];
    this.#bytes = 0;
    atFile(textOfByteString(this.#path), () => writeAt(this.#descriptor, this.#path, bytes, position));
  }
}
