import { type Blob, formatName, type Registry, type RegistryReader } from "@tranship/registry";
import type { BasedSource } from "../bundle/assumed.ts";
import { MirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { nameSome } from "../name-some.ts";
import { Copier } from "../transfer/copier.ts";
import type { CopyProgress } from "../transfer/copy-progress.ts";
import { runSteps, type StepFailure } from "../transfer/run-steps.ts";
import { BaseBlobs } from "./base-blobs.ts";
import { discoveryNames } from "./discovery-names.ts";
import { DryRun } from "./dry-run.ts";
import { proveWork } from "./prove-work.ts";
import type { BlobProver, GraphChecker, PushBundleOptions, SpaceChecker, TagGatherer } from "./push-bundle.ts";
import { discoveryImages, type PushedImage, type PushListOptions, readPushList } from "./push-list.ts";
import { type PushReport, reportOf } from "./push-report.ts";
import { shardOfPush } from "./push-shard.ts";
import { type PushStepsOptions, pushSteps } from "./push-steps.ts";
import { decideWork } from "./push-work.ts";
import { takeReferrersApart } from "./referrer-lists.ts";
import { createRoutes, type Routes } from "./routes.ts";
import { type AskedTarget, askTarget } from "./target-names.ts";
import { probeWrites } from "./write-probes.ts";

/** A push that is one of several of one run, each without what failed in those before. */
export interface PushRound {
  /** What is done already and counts in the report. */
  readonly progress: CopyProgress;
  /** Says what the target had when the run began. */
  readonly asked: AskedTarget;
  /** `PushStepsOptions.wholesOf`, where a part of the source may come to nothing. */
  readonly wholesOf?: PushStepsOptions["wholesOf"];
  /**
   * Told of each failure to copy, as it comes; what does not need what failed goes on. `path` is the repository's at the
   * source; `blob` is absent where it is not about one.
   */
  readonly onFailure: (error: unknown, path: string, blob?: Blob) => void;
}

/** What became of a push: with failures, of what needed nothing that failed. */
export interface PushResult {
  readonly report: PushReport;
  /** Copies that failed and were told to the round. */
  readonly failures: readonly StepFailure[];
}

/**
 * The one way a push goes, of a bundle or of any other source: `pushBundle` says what it does. A push that is a round of
 * a longer run tells so by its `work.planned`.
 */
export async function pushFrom(
  source: RegistryReader & Partial<GraphChecker> & Partial<BlobProver> & Partial<BasedSource>,
  target: Registry & Partial<SpaceChecker> & Partial<TagGatherer>,
  options: PushBundleOptions,
  round?: PushRound,
): Promise<PushResult> {
  const { signal, onEvent, inFlight = 8, dryRun = false, onConflict = "overwrite" } = options;
  const { prove = true, probe = true } = options;
  signal?.throwIfAborted();
  const emit: OnEvent = (event) => {
    if (!dryRun || event.type === "warning.raised") onEvent?.(event);
  };
  const routes = createRoutes(options);
  warnOfMoves(routes, emit);
  const base = new BaseBlobs(source, target, routes);
  const copierOf: PushListOptions["copierOf"] = (path, from) => {
    const to = target.repository(routes.targetOf(path));
    const onFailure = round && ((error: unknown, blob?: Blob) => round.onFailure(error, path, blob));
    return new Copier({ from: base.over(path, from), to, path: routes.targetOf(path), label: path, onFailure }, emit);
  };
  await source.checkGraphs?.({ signal });
  const listed = await readPushList(source, { signal, inFlight, copierOf });
  const shard = options.shard && shardOfPush(listed, options.shard);
  const isOwn = ({ path }: PushedImage) => shard?.has(path) ?? true;
  const catalogs = discoveryNames(new Set(listed.filter(isOwn).map(({ path }) => path)));
  const metadataOnly = catalogs.flatMap(({ root, metadataOnly: names }) => names.map((name) => `${root}/${name}`));
  warnOfMetadataOnly(metadataOnly, emit);
  const whole = withoutTwins(listed, target.name);
  const { images, referrers } = takeReferrersApart(whole.filter(isOwn), emit);
  const discovery = discoveryImages(catalogs, copierOf);
  const all = { images: [...images, ...unnamedIn(whole, discovery)], referrers };
  const how = { inFlight, signal };
  const names = await askTarget(all, round?.asked ?? target, how);
  const work = decideWork(all, names, onConflict, { target: target.name, emit });
  const held = await base.find(work, how);
  const dry = async () => {
    const run = new DryRun(target);
    const tell: OnEvent = dryRun ? emit : () => {}; // what is only reckoned up has not happened
    const steps = pushSteps(work, { held, copierOf: (copier) => copier.writingTo(run.repository(copier.path), tell) });
    await runSteps(steps.steps, how);
    return steps;
  };
  const report = (progress: CopyProgress) => ({
    ...reportOf(work, progress, catalogs),
    ...(shard ? { shard: shard.share } : {}),
  });
  if (dryRun) return { report: report((await dry()).progress), failures: [] };
  const paths = [...work.written, ...work.referrers.written].map(({ copier }) => copier.path);
  if (target.requireSpace && paths.length > 0) {
    const { uploaded, manifests } = (await dry()).totals.bytes;
    target.requireSpace(uploaded + manifests);
  }
  if (prove) await proveWork(source, work, { signal, emit });
  await using _begun = probe ? await probeWrites(paths, target, how) : undefined;
  const steps = pushSteps(work, { held, progress: round?.progress, wholesOf: round?.wholesOf });
  emit({ type: "work.planned", job: round ? "sync" : "push", ...steps.planned });
  const run = () => runSteps(steps.steps, { ...how, keepGoing: round !== undefined });
  const failures = await gatheringTags(target, run);
  return { report: report(steps.progress), failures };
}

/** Does `work`, after which the tags it gave are written, also when it failed: then with the failure it had. */
async function gatheringTags<Result>(target: Partial<TagGatherer>, work: () => Promise<Result>): Promise<Result> {
  const end = target.gatherTags?.();
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    await end?.().catch(() => {}); // of what ails the target, the first failure tells
    throw error;
  }
  await end?.();
  return result;
}

function warnOfMoves({ moved }: Routes, emit: OnEvent): void {
  for (const { root, path } of moved) {
    const place = path === "" ? "the target's root" : path;
    const message = `${root} go to ${place} at the target, not to ${root} as usual`;
    emit({ type: "warning.raised", code: "PATH_MOVED", message });
  }
}

function warnOfMetadataOnly(paths: readonly string[], emit: OnEvent): void {
  if (paths.length === 0) return;
  const message = `the target's catalog will not list what comes with release metadata only: ${nameSome(paths)}`;
  emit({ type: "warning.raised", code: "METADATA_ONLY", message });
}

/**
 * Two repositories that lead to one at the target may give the same image the same name there, which then counts once.
 * @throws MirrorError `TAG_CONFLICT` when they give it to different images
 */
function withoutTwins(images: readonly PushedImage[], target: string): readonly PushedImage[] {
  const named = new Map<string, PushedImage>();
  for (const image of images) {
    const first = named.get(nameOf(image));
    if (!first) named.set(nameOf(image), image);
    else if (first.descriptor.digest !== image.descriptor.digest) {
      const [one, other] = [first, image].map(({ path, tag }) => formatName(path, tag));
      const message = `cannot push to ${target}: ${one} and ${other} are different images and both lead to ${nameOf(image)}`;
      throw new MirrorError("TAG_CONFLICT", message, { target, references: [nameOf(image)] });
    }
  }
  return [...named.values()];
}

/** A name the source gives an image itself stays that image's, also where another shard pushes it. */
function unnamedIn(images: readonly PushedImage[], discovery: readonly PushedImage[]): readonly PushedImage[] {
  const named = new Map([...discovery, ...images].map((image) => [nameOf(image), image]));
  return discovery.filter((image) => named.get(nameOf(image)) === image);
}

function nameOf({ copier, tag }: PushedImage): string {
  return formatName(copier.path, tag);
}
