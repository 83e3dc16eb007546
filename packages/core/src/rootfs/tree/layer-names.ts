import type { ByteString } from "../../layer-archive/byte-string.ts";
import { impliedMetadata, setMetadata } from "./implied.ts";
import type { DirectoryInode } from "./inode.ts";

/**
 * Which names the layer being merged has put into the tree, so that its whiteouts take away what lower layers put there and
 * nothing else, wherever in the layer they stand. One is good for one layer.
 */
export class LayerNames {
  /** Directories in which nothing is left of lower layers. */
  readonly #whole = new Set<DirectoryInode>();
  /** Of all others, the names that are this layer's. */
  readonly #names = new Map<DirectoryInode, Set<ByteString>>();

  /** Says that all that is and will be in `directory` is this layer's: it is new. */
  addWhole(directory: DirectoryInode): void {
    this.#whole.add(directory);
  }

  /** Says that this layer has put `name` into `directory`. */
  add(directory: DirectoryInode, name: ByteString): void {
    if (this.#whole.has(directory)) return;
    const names = this.#names.get(directory);
    if (names) names.add(name);
    else this.#names.set(directory, new Set([name]));
  }

  /** Whether this layer has put `name` into `directory`. */
  has(directory: DirectoryInode, name: ByteString): boolean {
    return this.#whole.has(directory) || this.#names.get(directory)?.has(name) === true;
  }

  /**
   * Takes what lower layers put below `directory`. A directory of theirs in which this layer has put something, without saying
   * anything of the directory itself, stays as if it had been made for that. Goes over each directory once in a layer.
   */
  removeLowerBelow(directory: DirectoryInode): void {
    if (this.#whole.has(directory)) return;
    for (const name of directory.entries.keys()) this.#removeLower(directory, name);
    this.#whole.add(directory);
    this.#names.delete(directory);
  }

  /** Takes what a lower layer put under `name`, and what lower layers put below it. */
  removeLower(directory: DirectoryInode, name: ByteString): void {
    if (!this.#whole.has(directory)) this.#removeLower(directory, name);
  }

  #removeLower(directory: DirectoryInode, name: ByteString): void {
    const inode = directory.entries.get(name);
    const isOwn = this.has(directory, name);
    if (inode?.type === "directory") {
      this.removeLowerBelow(inode);
      if (isOwn) return;
      if (inode.entries.size > 0) {
        setMetadata(inode, impliedMetadata);
        return;
      }
    }
    if (!isOwn) directory.entries.delete(name);
  }
}
