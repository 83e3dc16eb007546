import type { Timestamp } from "../../layer-archive/layer-entry.ts";
import type { LayerWorkers } from "../layers/layer-workers.ts";
import type { RootfsLimits } from "../limits.ts";
import type { Inode } from "./inode.ts";

/** Options of `RootfsFiles`. */
export interface RootfsFilesOptions {
  /** The image, for messages. */
  readonly reference: string;
  /** Read the layers. */
  readonly workers: LayerWorkers;
  /** When edits were made. @defaultValue the newest change of anything in the tree, so that an output does not depend on the day */
  readonly mtime?: Timestamp | undefined;
  /** @defaultValue {@link defaultRootfsLimits} */
  readonly limits?: Pick<RootfsLimits, "maxDepth" | "maxPathBytes"> | undefined;
  /** Ends reads. */
  readonly signal?: AbortSignal | undefined;
}

/** What an edit gives an inode. Of one that is there already, what is left out stays. */
export interface EditMetadata {
  /** Permission bits with setuid, setgid and sticky. @defaultValue 0o644 of a new file, 0o755 of a new directory */
  readonly mode?: number | undefined;
  /** @defaultValue 0 of something new */
  readonly uid?: number | undefined;
  /** @defaultValue 0 of something new */
  readonly gid?: number | undefined;
  /** @defaultValue that of all edits */
  readonly mtime?: Timestamp | undefined;
}

/** Options of `RootfsFiles.read`. */
export interface ReadOptions {
  /** @defaultValue 64 MiB */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of `RootfsFiles.mkdir`. */
export interface MkdirOptions extends EditMetadata {
  /** Makes what is missing above it as well, and takes a directory that is there as made. @defaultValue false */
  readonly recursive?: boolean | undefined;
}

/** Options of `RootfsFiles.remove`. */
export interface RemoveOptions {
  /** Takes a directory with all that is in it. @defaultValue false */
  readonly recursive?: boolean | undefined;
}

/** What is under a path. */
export interface RootfsFileStat {
  readonly type: Inode["type"];
  /** Of a file, in bytes; of everything else 0. */
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Timestamp;
  /** Of a symbolic link. */
  readonly target?: string;
}
