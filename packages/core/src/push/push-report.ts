import { type LeftOutCount, leftOutCount } from "../plan/left-out.ts";
import type { ShardShare } from "../plan/shards/shard.ts";
import type { CopyProgress } from "../transfer/copy-progress.ts";
import type { CopyTotals, RepositoryTotals } from "../transfer/copy-steps.ts";
import type { DiscoveryNames } from "./discovery-names.ts";
import type { PushedImage } from "./push-list.ts";
import type { PushWork } from "./push-work.ts";

/** What a push did; plain data, equal for equal pushes. The blobs of discovery tags and of referrers count too. */
export interface PushReport extends CopyTotals {
  /** Tags, but for discovery tags; each counts once. */
  readonly images: {
    /** New names. */
    readonly written: number;
    /** They named the same image before. */
    readonly present: number;
    /** They named another image before. */
    readonly replaced: number;
    /** They name another image still. */
    readonly kept: number;
  };
  /** Discovery tags; `present` are those that named any image. */
  readonly discovery: { readonly written: number; readonly present: number };
  /** Manifests that refer to others, pushed by digest; `kept` out with the image they are about. */
  readonly referrers: { readonly written: number; readonly present: number; readonly kept: number };
  /** Manifests that indexes list and the source leaves out on purpose: they are not pushed. @defaultValue none */
  readonly leftOut?: LeftOutCount | undefined;
  /** What came into each repository of the target, by path; without those that got nothing. */
  readonly repositories: readonly RepositoryTotals[];
  /** Packages that are announced. */
  readonly packages: readonly string[];
  /** Modules that are announced. */
  readonly modules: readonly string[];
  /** Repositories of packages and modules that are not announced: the source has their release metadata only. */
  readonly metadataOnly: readonly string[];
  /** Which part of the whole it was. @defaultValue all of it */
  readonly shard?: ShardShare | undefined;
}

/** The report of work whose steps have run; `done` is what they did. */
export function reportOf(work: PushWork, done: CopyProgress, catalogs: readonly DiscoveryNames[]): PushReport {
  const { written, replaced, present, kept, referrers } = work;
  const children = [...written, ...present].flatMap(({ graph }) => graph.leftOut);
  const leftOut = new Map(children.map(({ descriptor }) => [descriptor.digest, descriptor.size]));
  const amount = (images: readonly PushedImage[], isDiscovery: boolean) =>
    images.filter((image) => image.isDiscovery === isDiscovery).length;
  return {
    images: {
      written: amount(written, false) - replaced.size,
      present: amount(present, false),
      replaced: replaced.size,
      kept: kept.length,
    },
    discovery: { written: amount(written, true), present: amount(present, true) },
    referrers: {
      written: referrers.written.length,
      present: referrers.present.length,
      kept: referrers.kept.length,
    },
    ...(leftOut.size > 0 ? { leftOut: leftOutCount(leftOut) } : {}),
    ...done.totals,
    repositories: done.repositories,
    packages: namesOf(catalogs, "packages"),
    modules: namesOf(catalogs, "modules"),
    metadataOnly: catalogs.flatMap(({ root, metadataOnly }) => metadataOnly.map((name) => `${root}/${name}`)),
  };
}

function namesOf(catalogs: readonly DiscoveryNames[], root: string): readonly string[] {
  return catalogs.find((catalog) => catalog.root === root)?.names ?? [];
}
