import type { Digest, OpenBlob } from "@tranship/registry";
import type { DepsAccess } from "../access.ts";
import type { DepsItem } from "../manifest.ts";
import type { Presence } from "../plan.ts";
import type { HostSlots } from "./host-slots.ts";

/** What can be done with items of one kind: from one sort of source to one sort of sink. */
export interface ItemJob {
  /**
   * Looks whether an item is where it goes. Asks nobody but this machine, changes nothing but what is known of files.
   * What nothing pins is `unpinned` where it is there, complete, as far as anybody can tell.
   */
  probe(item: DepsItem, context: ProbeContext): Promise<Presence>;
  /** Brings an item to where it goes, whole or not at all, and gives what is there then. */
  bring(item: DepsItem, context: BringContext): Promise<ItemContent>;
  /**
   * Brings an item without asking anybody but this machine, from what is there under another name or from a local source;
   * `undefined` where others are to be asked.
   * @defaultValue what takes others always
   */
  bringOffline?(item: DepsItem, context: Omit<BringContext, "access" | "slots">): Promise<ItemContent | undefined>;
  /** What is there of an item that is present; reads as little as it can. */
  content(item: DepsItem, context: ProbeContext): Promise<ItemContent>;
}

/** What there is of an item. */
export interface ItemContent {
  /** Of a file its bytes', of an image its manifest's; `undefined` for folders. */
  readonly digest?: Digest | undefined;
  /** All bytes that belong to it, as far as known. */
  readonly sizeBytes: number;
  /** The file or folder, if it is one. */
  readonly path?: string | undefined;
  /** The layer that was asked for, of an artifact such as a chart, and the file it is in. */
  readonly layer?: { readonly digest: Digest; readonly path: string } | undefined;
}

/** What looking for items takes. */
export interface ProbeContext {
  readonly contents: ContentCheck;
  /** Reads all bytes, whatever is known of them. */
  readonly isDeep: boolean;
  readonly signal: AbortSignal;
}

/** What bringing items takes. */
export interface BringContext extends ProbeContext {
  readonly access: DepsAccess;
  readonly staging: Staging;
  readonly slots: HostSlots;
  readonly progress: JobProgress;
}

/** Where a job tells how far it is. */
export interface JobProgress {
  /** The first bytes are asked for; told once, later calls do nothing. */
  started(): void;
  /** So many bytes more are here, or were there already. Negative when bytes turn out to be worthless. */
  add(bytes: number): void;
  /** How many there will be, where that is known better than the item says. */
  total(bytes: number): void;
  /** What failed is tried again after a pause, in milliseconds. */
  retrying?(error: unknown, pauseMs: number): void;
}

/** Knows which files hold what, so that not all bytes are read each time. */
export interface ContentCheck {
  /**
   * Whether the file at `path` holds these bytes: as was noted when it was written or read last, if it is the same file of
   * the same size and time since; else it is read and hashed, and noted. Several at once are fine.
   */
  check(path: string, content: ExpectedContent, options: CheckOptions): Promise<Presence>;
  /** Notes that a file, just written by us, holds what hashes to `digest`. */
  note(path: string, digest: Digest): Promise<void>;
  /** The digest noted for a file that is unchanged since. */
  known(path: string): Promise<Digest | undefined>;
}

/** What a file should hold. */
export interface ExpectedContent {
  readonly digest: Digest;
  /** In bytes. */
  readonly size?: number | undefined;
}

/** How a file is looked at. */
export interface CheckOptions {
  /** Reads it whatever is known. @defaultValue `false` */
  readonly isDeep?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A folder on the file system of the cache where content is gathered until it is whole. */
export interface Staging {
  /**
   * The whole content in a file of its own. What an earlier run began is gone on with: `open(offset)` gives the bytes from
   * there on, or throws {@link StartOver}. Every byte is hashed; it ends as soon as there are more than `size`. Of several
   * that want one digest at once, one fetches it for all.
   * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `TOO_LARGE`; what `open` throws. What came till then is kept,
   * unless it is wrong
   * @throws DepsError `NO_SPACE`, `FILE_FAILED`
   */
  fill(content: ExpectedContent, open: OpenBlob, options: FillOptions): Promise<StagedFile>;
  /** An empty file of its own for content of unknown digest; the caller writes and closes it. */
  blank(): Promise<StagedFile>;
  /**
   * Makes the folders something is to be put in.
   * @throws DepsError `NAME_UNSAFE` for a place outside of where this cache may write, also by symbolic links; `FILE_FAILED`
   */
  prepare(path: string): Promise<void>;
}

/** Thrown by what opens content at an offset: it has all of it, or other bytes, and wants to be opened at 0. */
export class StartOver extends Error {
  override readonly name: "StartOver" = "StartOver";

  constructor() {
    super("the content begins anew");
  }
}

/** How {@link Staging.fill} tells and ends. */
export interface FillOptions {
  readonly signal: AbortSignal;
  /** Told of bytes that are here, those of an earlier run too; negative for bytes that turned out to be worthless. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** How much is taken of content whose size nothing says, in bytes. @defaultValue no limit */
  readonly maxBytes?: number | undefined;
  /**
   * Does `attempt` until it works, or will not: each opens the content where the last one ended. `reached` tells how far
   * the content ever came, in bytes.
   * @defaultValue one attempt
   */
  readonly again?: ((attempt: () => Promise<void>, reached: () => number) => Promise<void>) | undefined;
}

/**
 * A whole file in the staging folder. Disposing it removes it, unless it was moved, or could not be for want of space and is
 * found again by the next run.
 */
export interface StagedFile extends AsyncDisposable {
  readonly path: string;
  /**
   * Flushes it and renames it to `destination`, whose folders are made; a file that was there is replaced. Once only.
   * @throws DepsError `NAME_UNSAFE`, `FILE_FAILED`, `NO_SPACE`
   */
  moveTo(destination: string): Promise<void>;
}
