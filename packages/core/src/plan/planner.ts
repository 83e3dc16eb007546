import type { Blob, Descriptor, Digest, Manifest, ReferrersOptions, RepositoryReader, Tag } from "@tranship/registry";
import * as z from "zod";
import type { OnEvent } from "../events.ts";
import type { DownloadList, MissingImage, MissingReference, PlannedArchive } from "./download-list.ts";
import type { FailedItem } from "./failed-item.ts";
import { archiveNameSchema } from "./names.ts";
import type { PlannedImage, PlannedRepository, Section } from "./section.ts";
import type { ShardShare } from "./shards/shard.ts";

/** What makes one archive, such as one package. */
export interface Item {
  /** Which kind of thing it is, such as `packages`. */
  readonly component: string;
  /** Its name within the component. */
  readonly name: string;
  /** The archive's file name, such as `package-console.tar`. */
  readonly archive: string;
  /** The names it covers, where it is about more than one. */
  readonly members?: readonly string[] | undefined;
}

/** Schema of {@link Item}. An archive name from a file never leaves the bundle's folder. */
export const itemSchema: z.ZodType<Item> = z.object({
  component: z.string(),
  name: z.string(),
  archive: archiveNameSchema,
  members: z.array(z.string()).optional(),
});

/** One step of an item's plan: the section it adds, and what it found to be missing. */
export interface PlannedStep {
  readonly section: Section;
  readonly missing: readonly MissingReference[];
  /**
   * Something was left out that the source refused or gave damaged: a pull that is continued asks for it again, so the step
   * is not kept for it. @defaultValue false
   */
  readonly isUnsettled?: boolean | undefined;
}

/** Options of {@link SourceView.tags}. */
export interface TagsOptions {
  /** So long may nothing come, in milliseconds; 0 for ever. Counts for whoever asks first. @defaultValue 0 */
  readonly answerWithinMs?: number | undefined;
}

/** The source, asked each thing once in a run. */
export interface SourceView {
  /** The manifest a tag or digest names, or `undefined` when it is missing and only then. */
  manifest(repository: RepositoryReader, reference: Tag | Digest): Promise<Manifest | undefined>;
  /** All tags of a repository, or `undefined` when there is no such repository and only then. */
  tags(repository: RepositoryReader, options?: TagsOptions): Promise<readonly Tag[] | undefined>;
  /** What refers to a manifest; the same options for the same repository. */
  referrers(
    repository: RepositoryReader,
    subject: Digest,
    options?: Pick<ReferrersOptions, "readsFallbackTag">,
  ): Promise<readonly Descriptor[]>;
  /**
   * A blob that something is decided by, of at most `maxSmallBlobBytes`: read once, however many ask, and from this machine
   * where it is at hand.
   */
  blob(repository: RepositoryReader, blob: Blob): Promise<Uint8Array>;
  /** What `blob` gave for it, or is about to give; `undefined` when nobody asked, or it is no longer held. */
  heldBlob(blob: Blob): Promise<Uint8Array | undefined>;
  /** From now on `manifest` gives this one, which the source does not have. */
  provide(repository: Pick<RepositoryReader, "name">, manifest: Manifest): void;
}

/** What a planner works with during one run. */
export interface RunContext {
  readonly signal: AbortSignal;
  readonly source: SourceView;
  readonly emit: OnEvent;
}

/**
 * Reads files out of a planned image; a name that is absent from the answer is not in the image. A plan reads at the
 * source, a pull from what it has just written: the only thing in which the two differ.
 */
export type ReadImageFiles = (
  repository: PlannedRepository,
  image: PlannedImage,
  names: readonly string[],
) => Promise<ReadonlyMap<string, Uint8Array>>;

/**
 * Decides what a component puts into a bundle: its items, and for each item section after section, each a pure function
 * of the content of the earlier ones.
 */
export interface Planner {
  /** The components its items may belong to: a pull replaces what a bundle holds of these and leaves others alone. */
  readonly components: readonly string[];
  /** What was asked for, as plain JSON: an interrupted pull is continued only by one that asks for the same. */
  readonly selection: unknown;
  /** Everything it will ask for, where that is fixed before it starts: room for all of it is looked for first. */
  readonly list?: DownloadList | undefined;
  /** The hosts it reads from, where they may be several: what one of them refuses says nothing of the others. */
  readonly hosts?: readonly string[] | undefined;
  /** The part it brings, where others bring the rest. Without a list, what it comes to is known when its items are. */
  readonly shard?: ShardShare | undefined;
  /**
   * Whether something that a bundle's lock says of its components is for others to renew or remove, so that it stays.
   * @defaultValue nothing is
   */
  isOfOthers?(one: PlannedArchive | MissingImage | FailedItem): boolean;
  /** The repository of that full name (as sections spell it in `source`) to read from. */
  open(source: string): RepositoryReader;
  /** The items of a run, one archive each, as they become known. */
  items(run: RunContext): AsyncIterable<Item>;
  /** The step after `done`, or `undefined` when the item is complete. */
  next(item: Item, done: readonly Section[], run: RunContext, read: ReadImageFiles): Promise<PlannedStep | undefined>;
  /** Where the planner wants the run's events too. */
  readonly onEvent?: OnEvent | undefined;
}
