import type { CallOptions, Digest, Registry, RegistryReader } from "@tranship/registry";
import type { ProveOptions } from "../bundle/archive/blob-copy.ts";
import type { BasedSource } from "../bundle/assumed.ts";
import type { OnEvent } from "../events.ts";
import type { Shard } from "../plan/shards/shard.ts";
import type { PushReport } from "./push-report.ts";
import { pushFrom } from "./push-run.ts";
import type { OnConflict } from "./push-work.ts";
import type { RouteOptions } from "./routes.ts";

/** Options of {@link pushBundle}. */
export interface PushBundleOptions extends CallOptions, RouteOptions {
  readonly onEvent?: OnEvent | undefined;
  /** Blobs and manifests under way at a time. @defaultValue 8 */
  readonly inFlight?: number | undefined;
  /**
   * Only ask the target what it has, and report what would be sent: exactly what a push then reports, unless the target
   * refuses a mount, in which case those bytes are sent too. Of the events, warnings alone are told. @defaultValue false
   */
  readonly dryRun?: boolean | undefined;
  /** What becomes of a tag that names another image at the target. Discovery tags stay in any case. @defaultValue "overwrite" */
  readonly onConflict?: OnConflict | undefined;
  /**
   * Hash what is to be sent before the first write, where the source can: damage is then found while the target is still
   * as it was. It costs one reading of the bundle. @defaultValue true
   */
  readonly prove?: boolean | undefined;
  /** Make sure before the first write that the target can be written. @defaultValue true */
  readonly probe?: boolean | undefined;
  /**
   * Push only what falls to this shard of the bundle: whole packages and modules, and whole repositories outside them, shared out by
   * size. Together the shards push what a push without does; each looks at the whole of the same bundle. @defaultValue all
   */
  readonly shard?: Shard | undefined;
}

/** A source that can make sure of its content cheaply; `Bundle` is one. */
export interface GraphChecker {
  /** Throws when an image lacks something. */
  checkGraphs(options?: CallOptions): Promise<void>;
}

/** A source that can prove its content before it is used; `Bundle` is one. */
export interface BlobProver {
  /** Throws when a blob is not what its digest says. */
  proveBlobs(
    blobs: Iterable<{ readonly path: string; readonly digest: Digest }>,
    options?: ProveOptions,
  ): Promise<void>;
}

/** A target that knows how much it can still take; `LayoutRegistry` is one. */
export interface SpaceChecker {
  /** Throws when `neededBytes` more do not fit. */
  requireSpace(neededBytes: number): void;
}

/** A target that takes many tags faster together; `LayoutRegistry` is one. */
export interface TagGatherer {
  /** Tags given from now on may be written together, in their order; what it gives writes the last of them. */
  gatherTags(): () => Promise<void>;
}

/**
 * Copies every named image of a bundle, or of any registry, into `target`, under the same tags and at the same paths
 * unless told otherwise, and announces its packages and modules by discovery tags. Lists of referrers are added to those
 * the target has. Everything is read, checked and looked for before the first write. Images that are there already cost
 * one question each, indexes one more for each manifest they lead to; versions appear only after the images they promise.
 * @throws MirrorError `TRANSFER_FAILED` for the first image that cannot be read or written or a target that cannot be
 * written; `SPARSE_INDEX_REFUSED`; `ARCHIVE_INVALID`; `TAG_CONFLICT`; `SELECTION_INVALID` for a shard; `BASE_MISSING` when the target lacks what the bundle was made without;
 * `NO_SPACE`, `FILE_FAILED` of a folder
 */
export async function pushBundle(
  bundle: RegistryReader & Partial<GraphChecker> & Partial<BlobProver> & Partial<BasedSource>,
  target: Registry & Partial<SpaceChecker> & Partial<TagGatherer>,
  options: PushBundleOptions = {},
): Promise<PushReport> {
  return (await pushFrom(bundle, target, options)).report;
}
