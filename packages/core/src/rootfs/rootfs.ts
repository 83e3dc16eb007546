import type { OnRootfsEvent } from "./events.ts";
import { type Ext4Image, type WriteExt4Options, writeExt4 } from "./ext4/write-ext4.ts";
import { type OpenRootfsOptions, type OpenTree, openTree } from "./open-tree.ts";
import { replaceDirectory } from "./output/replace-directory.ts";
import { type WriteTarOptions, type WrittenTar, writeTar } from "./output/tar/write-tar.ts";
import { type WriteDirectoryOptions, type WrittenDirectory, writeDirectory } from "./output/write-directory.ts";
import type { PreparedSource } from "./source/source.ts";
import type { RootfsFiles } from "./tree/rootfs-files.ts";
import { type TreeTotals, treeTotals } from "./tree/tree-totals.ts";

/** What a {@link Rootfs} knows by itself. */
type OfRootfs = "workers" | "reference" | "onEvent";

/** Options of {@link Rootfs.writeDirectory}. */
export interface RootfsDirectoryOptions extends Omit<WriteDirectoryOptions, OfRootfs | "shown"> {
  /** Whether what is there is replaced, in one step once all of the new is written. @defaultValue false */
  readonly replace?: boolean | undefined;
}

/** Options of {@link Rootfs.writeTar}. */
export interface RootfsTarOptions extends Omit<WriteTarOptions, OfRootfs> {}

/** Options of {@link Rootfs.writeExt4}. */
export interface RootfsExt4Options extends Omit<WriteExt4Options, OfRootfs> {}

/**
 * The root file system of an image: its layers merged in memory, as names and metadata, and their bytes where they lie. What
 * it holds can be read and edited before it is written, as often as wanted and in any form. Hold it with `await using`: it
 * keeps threads and the fetched layers until then.
 */
export class Rootfs implements AsyncDisposable {
  /** What it was made of. */
  readonly source: PreparedSource;
  readonly #open: OpenTree;
  readonly #onEvent: OnRootfsEvent | undefined;

  private constructor(source: PreparedSource, open: OpenTree, onEvent: OnRootfsEvent | undefined) {
    this.source = source;
    this.#open = open;
    this.#onEvent = onEvent;
  }

  /**
   * Fetches the layers of an image, reads each once, checks both its digests, and merges them.
   * @throws RootfsError `SOURCE_UNPREPARED`, `SOURCE_FAILED`, `LAYER_INVALID`, `LAYER_MISMATCH`, `LIMIT_EXCEEDED`, `NO_SPACE`,
   *   `FILE_FAILED`, and for sources that programs or a daemon read `TOOL_MISSING`, `TOOL_FAILED`, `DAEMON_FAILED`
   */
  static async open(source: PreparedSource, options: OpenRootfsOptions = {}): Promise<Rootfs> {
    return new Rootfs(source, await openTree(source, options), options.onEvent);
  }

  /** Reads and edits what is in it. */
  get files(): RootfsFiles {
    return this.#open.files;
  }

  /** What it comes to now, edits included. */
  totals(): TreeTotals {
    return treeTotals(this.#open.tree.root);
  }

  /**
   * Writes it into a directory that is empty or not there, or that it replaces, with everything as root; without root, what
   * could not be applied is written into a file beside it. When it fails, nothing of it stays.
   * @throws RootfsError `OUTPUT_EXISTS`, `IMAGE_INVALID`, `LAYER_INVALID`, `LAYER_MISMATCH`, `FILE_FAILED`, `NO_SPACE`, `TOOL_FAILED`
   */
  async writeDirectory(directory: string, options: RootfsDirectoryOptions = {}): Promise<WrittenDirectory> {
    const { replace = false, ...how } = options;
    const own = { ...how, ...this.#own };
    await this.files.settled();
    return await (replace ? replaceDirectory : writeDirectory)(this.#open.tree, directory, own);
  }

  /**
   * Writes it as one tar archive whose bytes depend on the tree alone. The file appears whole or not at all.
   * @throws RootfsError `OUTPUT_EXISTS`, `LAYER_INVALID`, `LAYER_MISMATCH`, `FILE_FAILED`, `NO_SPACE`
   */
  async writeTar(path: string, options: RootfsTarOptions = {}): Promise<WrittenTar> {
    await this.files.settled();
    return await writeTar(this.#open.tree, path, { ...options, ...this.#own });
  }

  /**
   * Writes it as an ext4 image whose bytes depend on the tree and the options alone, in place of a file that is there. No
   * privilege is needed. The file appears whole or not at all.
   * @throws RootfsError `TREE_UNFIT`, `SIZE_TOO_SMALL`, `TOOL_MISSING`, `TOOL_UNFIT`, `TOOL_FAILED`, `LAYER_INVALID`,
   *   `LAYER_MISMATCH`, `FILE_FAILED`, `NO_SPACE`
   * @throws TypeError for a label or UUID that is none
   */
  async writeExt4(path: string, options: RootfsExt4Options = {}): Promise<Ext4Image> {
    await this.files.settled();
    return await writeExt4(this.#open.tree, path, { ...options, ...this.#own });
  }

  /** Ends its threads and removes the layers that were fetched for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.held[Symbol.asyncDispose]();
  }

  get #own() {
    const { workers, reference } = this.#open;
    return { workers, reference, onEvent: this.#onEvent };
  }
}
