import { type ByteString, textOfByteString } from "../../layer-archive/byte-string.ts";
import type { LayerEntry } from "../../layer-archive/layer-entry.ts";
import { RootfsError } from "../errors.ts";
import type { OnRootfsEvent } from "../events.ts";
import { metadataBytes } from "../layers/entry-bytes.ts";
import type { LayerFile } from "../layers/layer-file.ts";
import { defaultRootfsLimits, type RootfsLimits } from "../limits.ts";
import { EntryInodes } from "./entry-inodes.ts";
import { impliedDirectory, setMetadata } from "./implied.ts";
import type { DirectoryInode, Inode } from "./inode.ts";
import { LayerNames } from "./layer-names.ts";
import { namesOfPath, PathFault, type PathLimit, type Place, requireName, walkPath } from "./walk-path.ts";
import { whiteoutOf } from "./whiteout.ts";

/** What the merged layers belong to. */
export interface TreeMergerOptions {
  /** The image, for messages. */
  readonly reference: string;
  /** By number. */
  readonly layers: readonly Pick<LayerFile, "digest">[];
  /** @defaultValue {@link defaultRootfsLimits} */
  readonly limits?: RootfsLimits | undefined;
  /** Warned of entries that were left out, once a layer. */
  readonly onEvent?: OnRootfsEvent | undefined;
}

/** The directory of the entry before, which most entries share. */
interface LastDirectory {
  /** As the entry spelled it. */
  readonly path: ByteString;
  readonly directory: DirectoryInode;
  readonly depth: number;
  readonly bytes: number;
}

/**
 * Lays the entries of an image's layers, base first, over each other in memory:
 *
 * - A name is a path from the root of the image; `..` never leads above it, and links on its way are followed inside it.
 * - Directories nothing is said of are 0755, of root, from the beginning of 1970. An entry for the root sets the root's metadata.
 * - A directory over a directory keeps what is in it and has the new metadata, extended attributes included. Anything else over
 *   something replaces it, with all that was below. Of a name that a layer has twice the last counts.
 * - Whiteouts take what lower layers put there, wherever in the layer they stand, and never what this layer has or has links to.
 * - A hard link is one more name for what is there; its own metadata say nothing new and are left.
 *
 * Ordinary images take about 250 bytes of memory an inode, and a million entries a second or two.
 * @see image-spec v1.1.1, "Image Layer Filesystem Changeset"
 */
export class TreeMerger {
  readonly #options: TreeMergerOptions;
  readonly #limits: RootfsLimits;
  readonly #root: DirectoryInode = impliedDirectory();
  readonly #inodes = new EntryInodes();
  #layer = -1;
  #names = new LayerNames();
  #last: LastDirectory | undefined;
  #skipped = 0;
  #entries = 0;
  #metadataBytes = 0;

  constructor(options: TreeMergerOptions) {
    this.#options = options;
    this.#limits = options.limits ?? defaultRootfsLimits;
  }

  /** Begins a layer; they come in their order, base first. */
  beginLayer(layer: number): void {
    this.#layer = layer;
    this.#names = new LayerNames();
    if (this.#root.entries.size === 0) this.#names.addWhole(this.#root);
  }

  /**
   * Lays one entry over what is there. Bytes of files are neither needed nor read.
   * @throws RootfsError `LAYER_INVALID`, `LIMIT_EXCEEDED`
   */
  apply(entry: LayerEntry): void {
    try {
      this.#count(1, metadataBytes(entry));
      this.#apply(entry);
    } catch (error) {
      throw error instanceof PathFault ? this.#errorOf(entry, error) : error;
    }
  }

  /** Ends the layer. */
  endLayer(): void {
    this.#names = new LayerNames();
    if (this.#skipped === 0) return;
    const message = `left out ${this.#skipped} entries of layer ${this.#layer} of ${this.#options.reference}: bookkeeping of AUFS`;
    this.#skipped = 0;
    this.#options.onEvent?.({ type: "warning", warning: { code: "ENTRY_SKIPPED", message } });
  }

  /** The tree of all layers so far. */
  finish(): DirectoryInode {
    return this.#root;
  }

  #apply(entry: LayerEntry): void {
    if (entry.name.includes("\0")) throw new PathFault("its name has a NUL byte");
    const { name } = entry;
    if (name.includes(".wh.")) {
      const names = namesOfPath(name);
      const whiteout = whiteoutOf(names);
      if (whiteout) {
        if (whiteout.type === "reserved") this.#skipped++;
        else this.#takeAway(names.slice(0, -1), whiteout);
        return;
      }
    }
    const place = this.#placeOf(name);
    this.#count(0, Math.max(0, place.bytes - name.length)); // links on the way may make a short name a long path
    if (place.inode === this.#root) this.#setRoot(entry);
    else if (entry.type === "hardlink") this.#link(place, entry);
    else this.#put(place, entry);
  }

  /** Finds where an entry goes, and makes the directories above it. */
  #placeOf(path: ByteString): Place {
    const end = path.endsWith("/") ? path.length - 1 : path.length;
    const slash = path.lastIndexOf("/", end - 1);
    const name = path.slice(slash + 1, end);
    const isPlain = name !== "" && name !== "." && name !== "..";
    const above = slash < 0 ? "" : path.slice(0, slash);
    const last = this.#last;
    if (isPlain && last !== undefined && last.path === above) {
      const { directory } = last;
      const inode = directory.entries.get(name);
      const bytes = last.bytes + (last.depth > 0 ? 1 : 0) + name.length;
      if (inode === undefined) requireName(name);
      if (last.depth < this.#limits.maxDepth && bytes <= this.#limits.maxPathBytes) {
        return { directory, name, inode, depth: last.depth + 1, bytes };
      } // else what follows says what is wrong with it
    }
    const place = walkPath(this.#root, namesOfPath(path), {
      limits: this.#limits,
      follow: false,
      make: (parent, missing, bytes) => this.#makeDirectory(parent, missing, bytes),
    });
    if (place === undefined) throw new PathFault("a directory on its way cannot be made");
    if (isPlain) {
      const aboveBytes = place.bytes - place.name.length - (place.depth > 1 ? 1 : 0);
      this.#last = { path: above, directory: place.directory, depth: place.depth - 1, bytes: aboveBytes };
    }
    return place;
  }

  #makeDirectory(parent: DirectoryInode, name: ByteString, bytes: number): DirectoryInode {
    requireName(name);
    this.#count(1, bytes); // one name may imply hundreds
    const directory = impliedDirectory();
    this.#names.addWhole(directory);
    this.#add(parent, name, undefined, directory);
    return directory;
  }

  #add(directory: DirectoryInode, name: ByteString, old: Inode | undefined, inode: Inode): void {
    if (old !== undefined && (old.type === "directory" || old.type === "symlink")) this.#last = undefined; // it may be on its way
    directory.entries.set(old === undefined ? this.#inodes.nameOf(name) : name, inode);
    this.#names.add(directory, name);
  }

  #put({ directory, name, inode: old }: Place, entry: LayerEntry): void {
    if (entry.type === "directory" && old?.type === "directory") {
      setMetadata(old, this.#inodes.metadataOf(entry));
      this.#names.add(directory, name);
      return;
    }
    const inode = this.#inodes.inodeOf(entry, this.#layer, this.#limits);
    if (inode.type === "directory") this.#names.addWhole(inode);
    this.#add(directory, name, old, inode);
  }

  #setRoot(entry: LayerEntry): void {
    if (entry.type !== "directory") throw new PathFault(`the root is a directory, not a ${entry.type}`);
    setMetadata(this.#root, this.#inodes.metadataOf(entry));
  }

  #link({ directory, name, inode: old }: Place, entry: LayerEntry): void {
    const { linkName = "" } = entry;
    if (linkName.includes("\0")) throw new PathFault("its target has a NUL byte");
    const target = walkPath(this.#root, namesOfPath(linkName), { limits: this.#limits, follow: false })?.inode;
    if (target === undefined) throw new PathFault(`there is no ${quoted(linkName)} it could be a link to`);
    if (target.type === "directory") throw new PathFault(`${quoted(linkName)} it links to is a directory`);
    this.#add(directory, name, old, target);
  }

  #takeAway(
    above: readonly ByteString[],
    whiteout: { readonly type: "name"; readonly name: ByteString } | { readonly type: "opaque" },
  ): void {
    // umoci packs a file or link that took a directory's place together with whiteouts of all that was below. Nothing is left
    // of that, and what such a link leads to was never meant.
    const directory = walkPath(this.#root, above, {
      limits: this.#limits,
      follow: true,
      lenient: true,
      through: (parent, name) => !this.#names.has(parent, name),
    })?.inode;
    if (directory?.type !== "directory") return;
    this.#last = undefined; // it may be on what is taken away
    if (whiteout.type === "opaque") this.#names.removeLowerBelow(directory);
    else this.#names.removeLower(directory, whiteout.name);
  }

  #count(entries: number, metadataBytes: number): void {
    this.#entries += entries;
    this.#metadataBytes += metadataBytes;
    this.#requireWithin("maxEntries", this.#entries);
    this.#requireWithin("maxMetadataBytes", this.#metadataBytes);
  }

  #requireWithin(limit: PathLimit, value: number): void {
    if (value > this.#limits[limit]) throw new PathFault(`${limit} is ${this.#limits[limit]}`, limit);
  }

  #errorOf(entry: LayerEntry, fault: PathFault): RootfsError {
    if (fault.limit !== undefined) return this.#limitError(entry, fault.limit);
    const { reference, layers } = this.#options;
    const layer = this.#layer;
    const digest = layers[layer]?.digest ?? "";
    const what = `cannot use layer ${layer} (${digest}) of ${reference}: its entry ${quoted(entry.name)}`;
    const details = { reference, layer, digest, entry: textOfByteString(entry.name), reason: fault.message };
    return new RootfsError("LAYER_INVALID", `${what} cannot be unpacked: ${fault.message}`, details);
  }

  #limitError(entry: LayerEntry, limit: keyof RootfsLimits): RootfsError {
    const { reference } = this.#options;
    const max = this.#limits[limit];
    const message = `cannot unpack ${reference}: ${quoted(entry.name)} in layer ${this.#layer} goes beyond ${limit}, ${max}`;
    const details = { reference, limit, max, layer: this.#layer, entry: textOfByteString(entry.name) };
    return new RootfsError("LIMIT_EXCEEDED", message, details);
  }
}

function quoted(path: ByteString): string {
  return JSON.stringify(textOfByteString(path));
}
