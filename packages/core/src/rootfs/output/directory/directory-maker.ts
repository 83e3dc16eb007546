import { chmodSync, lchownSync, linkSync, mkdirSync, symlinkSync } from "node:fs";
import { type ByteString, textOfByteString } from "../../../layer-archive/byte-string.ts";
import { atFile } from "../../file-error.ts";
import type { Inode } from "../../tree/inode.ts";
import type { RootfsTree } from "../../tree/rootfs-tree.ts";
import type { TreeEntry } from "../../tree/walk-tree.ts";
import { attemptAt } from "../file-writer.ts";
import { hostPath } from "../host-path.ts";
import { accessTimeOf, secondsOf, setPathTimes } from "../timestamps.ts";
import { writeContents } from "../write-contents.ts";
import type { WriteDirectoryOptions } from "../write-directory.ts";
import { applyXattrs } from "./apply-xattrs.ts";
import { makeNodes } from "./make-nodes.ts";
import { actingBits, attributesOf, type NewFiles, ownerChange, probeNewFiles } from "./new-files.ts";
import { type SortedTree, sortEntries } from "./sort-entries.ts";
import { Unapplied } from "./unapplied.ts";

const ownerNeeds = "owners (root, or CAP_CHOWN, is needed)";
const actingNeeds = "setuid or setgid bits (left out because the owner is another)";
const modeRefused = "modes (the file system refuses them)";
const timesRefused = "times (the file system refuses them)";

/** Entries made without the event loop having its turn. */
const atOnce = 1000;

/** Makes what a tree has in an empty directory that nobody else can enter. Used once. */
export class DirectoryMaker {
  readonly #tree: RootfsTree;
  readonly #root: ByteString;
  readonly #options: WriteDirectoryOptions & { readonly reference: string };
  readonly #sorted: SortedTree;
  readonly #files: NewFiles;
  readonly #unapplied = new Unapplied();
  /** Inodes that did not get their owner. */
  readonly #foreign = new Set<Inode>();
  /** Nodes that could not be made. */
  readonly #missing = new Set<Inode>();

  /** `root` is where the tree's root is on this machine. @throws RootfsError `IMAGE_INVALID`, `FILE_FAILED` */
  constructor(tree: RootfsTree, root: ByteString, options: WriteDirectoryOptions & { readonly reference: string }) {
    this.#tree = tree;
    this.#root = root;
    this.#options = options;
    this.#sorted = sortEntries(tree, options.reference);
    this.#files = probeNewFiles(root);
  }

  /** Makes all of it, in an order in which every path is one of directories. */
  async make(): Promise<{ readonly entries: number; readonly fileBytes: number; readonly unapplied: Unapplied }> {
    const { directories, files, symlinks, nodes, links, fileBytes } = this.#sorted;
    await this.#each(directories.slice(1), ({ path }) => mkdirSync(this.#host(path), 0o700));
    await this.#together(
      (signal) => this.#writeFiles(signal),
      (signal) => this.#each(symlinks, (entry) => this.#makeSymlink(entry), signal),
    );
    await this.#makeNodes();
    await this.#each(links, (entry) => this.#makeLink(entry));
    const made = nodes.filter(({ inode }) => !this.#missing.has(inode));
    await this.#each([...made, ...directories], (entry) => this.#giveOwner(entry));
    await this.#giveXattrs();
    const late = files.filter(({ inode }) => inode.xattrs !== undefined);
    await this.#each(late, (entry) => this.#giveModeAndTimes(entry));
    await this.#each(made, (entry) => this.#giveModeAndTimes(entry));
    await this.#each(directories.toReversed(), (entry) => this.#giveModeAndTimes(entry));
    const entries = directories.length + files.length + symlinks.length + nodes.length + links.length;
    return { entries, fileBytes, unapplied: this.#unapplied };
  }

  /** Does both; none still runs when it settles. */
  async #together(...works: readonly ((signal: AbortSignal) => Promise<void>)[]): Promise<void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, ...(this.#options.signal ? [this.#options.signal] : [])]);
    const stopping = (error: unknown) => stop.abort(error);
    await Promise.all(works.map((work) => work(signal).catch(stopping)));
    signal.throwIfAborted();
  }

  async #writeFiles(signal: AbortSignal): Promise<void> {
    const { onEvent, workers, reference } = this.#options;
    const { files, fileBytes: total } = this.#sorted;
    const targets = files.map(({ path, inode }) => {
      return { inode, path: `${this.#root}/${path}`, attributes: attributesOf(inode, this.#files) };
    });
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      onEvent?.({ type: "stage.progress", stage: "write", done, total, unit: "bytes" });
    };
    const refused = await writeContents(this.#tree, targets, { workers, reference, signal, onBytes });
    for (const entry of files) if (ownerChange(entry.inode, this.#files) === "refused") this.#lackOwner(entry);
    for (const { file, kind } of refused) {
      const entry = files[file];
      if (!entry) continue;
      if (kind === "owner") this.#lackOwner(entry);
      else if (kind === "mode") this.#unapplied.add(entry.path, entry.inode, { mode: true }, modeRefused);
      else this.#unapplied.add(entry.path, entry.inode, { times: true }, timesRefused);
    }
  }

  #makeSymlink(entry: SortedTree["symlinks"][number]): void {
    symlinkSync(hostPath(entry.inode.target), this.#host(entry.path));
    this.#giveOwner(entry);
    this.#giveTimes(entry);
  }

  async #makeNodes(): Promise<void> {
    const { nodes } = this.#sorted;
    const { isRoot } = this.#files;
    const staging = `${this.#root}/${this.#unusedName()}`;
    const { missing } = await makeNodes(nodes, { root: this.#root, staging, isRoot, signal: this.#options.signal });
    for (const { path, inode, reason } of missing) {
      this.#missing.add(inode);
      this.#unapplied.add(path, inode, { missing: true }, reason);
    }
  }

  #makeLink({ path, inode, to }: SortedTree["links"][number]): void {
    if (this.#missing.has(inode)) this.#unapplied.add(path, inode, { linkTo: to }, "names of those");
    else linkSync(this.#host(to), this.#host(path));
  }

  async #giveXattrs(): Promise<void> {
    const { directories, files, symlinks, nodes } = this.#sorted;
    const entries = [...directories, ...files, ...symlinks, ...nodes].filter(
      ({ inode }) => inode.xattrs !== undefined && !this.#missing.has(inode),
    );
    const { isRoot } = this.#files;
    const lacking = await applyXattrs(entries, { root: this.#root, isRoot, signal: this.#options.signal });
    for (const { path, inode, names, reason } of lacking) this.#unapplied.add(path, inode, { xattrs: names }, reason);
  }

  #giveOwner(entry: TreeEntry): void {
    const { uid, gid } = entry.inode;
    const change = ownerChange(entry.inode, this.#files);
    if (change === "refused") this.#lackOwner(entry);
    if (change !== "change") return;
    const path = `${this.#root}/${entry.path}`;
    attemptAt(
      path,
      () => this.#lackOwner(entry),
      () => lchownSync(hostPath(path), uid, gid),
    );
  }

  #lackOwner({ path, inode }: TreeEntry): void {
    this.#foreign.add(inode);
    this.#unapplied.add(path, inode, { owner: true }, ownerNeeds);
    if (inode.type === "symlink" || (inode.mode & actingBits) === 0) return;
    this.#unapplied.add(path, inode, { mode: true }, actingNeeds);
  }

  #giveModeAndTimes(entry: TreeEntry): void {
    const { inode } = entry;
    const path = `${this.#root}/${entry.path}`;
    const mode = this.#foreign.has(inode) ? inode.mode & ~actingBits : inode.mode;
    const lack = () => this.#unapplied.add(entry.path, inode, { mode: true }, modeRefused);
    attemptAt(path, lack, () => chmodSync(hostPath(path), mode));
    this.#giveTimes(entry);
  }

  #giveTimes(entry: TreeEntry): void {
    const { inode } = entry;
    const path = `${this.#root}/${entry.path}`;
    const lack = () => this.#unapplied.add(entry.path, inode, { times: true }, timesRefused);
    const [atime, mtime] = [secondsOf(accessTimeOf(inode)), secondsOf(inode.mtime)];
    attemptAt(path, lack, () => setPathTimes(hostPath(path), atime, mtime));
  }

  /** Does something with each entry, in order; others have their turn in between, and the signal is looked at. */
  async #each<Entry extends TreeEntry>(
    entries: readonly Entry[],
    action: (entry: Entry) => void,
    signal: AbortSignal | undefined = this.#options.signal,
  ): Promise<void> {
    for (const [number, entry] of entries.entries()) {
      if (number % atOnce === 0) await new Promise(setImmediate);
      if (number % atOnce === 0) signal?.throwIfAborted();
      try {
        action(entry);
      } catch (error) {
        atFile(textOfByteString(`${this.#root}/${entry.path}`), () => {
          throw error;
        });
      }
    }
  }

  #host(path: ByteString): string | Buffer {
    return hostPath(`${this.#root}/${path}`);
  }

  /** A name that the root directory does not have. */
  #unusedName(): ByteString {
    let name = ".tranship-nodes";
    while (this.#tree.root.entries.has(name)) name += "-";
    return name;
  }
}
