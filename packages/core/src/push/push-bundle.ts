import { type CallOptions, type Digest, formatName, type Registry, type RegistryReader } from "@tranship/registry";
import type { BasedSource } from "../bundle/assumed.ts";
import type { ProveOptions } from "../bundle/blob-copy.ts";
import { MirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { nameSome } from "../name-some.ts";
import { Copier } from "../transfer/copier.ts";
import { runSteps } from "../transfer/run-steps.ts";
import { BaseBlobs } from "./base-blobs.ts";
import { discoveryNames } from "./discovery-names.ts";
import { DryRun } from "./dry-run.ts";
import { proveWork } from "./prove-work.ts";
import { discoveryImages, type PushedImage, type PushListOptions, readPushList } from "./push-list.ts";
import { type PushReport, reportOf } from "./push-report.ts";
import { pushSteps } from "./push-steps.ts";
import { decideWork, type OnConflict } from "./push-work.ts";
import { takeReferrersApart } from "./referrer-lists.ts";
import { createRoutes, type RouteOptions, type Routes } from "./routes.ts";
import { askTarget } from "./target-names.ts";
import { probeWrites } from "./write-probes.ts";

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

/**
 * Copies every named image of a bundle, or of any registry, into `target`, under the same tags and at the same paths
 * unless told otherwise, and announces its packages and modules by discovery tags. Lists of referrers are added to those
 * the target has. Everything is read, checked and looked for before the first write. Images that are there already cost
 * one question each; versions appear only after the images they promise.
 * @throws MirrorError `TRANSFER_FAILED` for the first image that cannot be read or written or a target that cannot be
 * written; `ARCHIVE_INVALID`; `TAG_CONFLICT`; `BASE_MISSING` when the target lacks what the bundle was made without;
 * `NO_SPACE`, `FILE_FAILED` of a folder
 */
export async function pushBundle(
  bundle: RegistryReader & Partial<GraphChecker> & Partial<BlobProver> & Partial<BasedSource>,
  target: Registry & Partial<SpaceChecker>,
  options: PushBundleOptions = {},
): Promise<PushReport> {
  const { signal, onEvent, inFlight = 8, dryRun = false, onConflict = "overwrite" } = options;
  const { prove = true, probe = true } = options;
  signal?.throwIfAborted();
  const emit: OnEvent = (event) => {
    if (!dryRun || event.type === "warning.raised") onEvent?.(event);
  };
  const routes = createRoutes(options);
  warnOfMoves(routes, emit);
  const base = new BaseBlobs(bundle, target, routes);
  const copierOf: PushListOptions["copierOf"] = (path, from) => {
    const to = target.repository(routes.targetOf(path));
    return new Copier({ from: base.over(path, from), to, path: routes.targetOf(path), label: path }, emit);
  };
  await bundle.checkGraphs?.({ signal });
  const listed = await readPushList(bundle, { signal, inFlight, copierOf });
  const catalogs = discoveryNames(new Set(listed.map(({ path }) => path)));
  const metadataOnly = catalogs.flatMap(({ root, metadataOnly: names }) => names.map((name) => `${root}/${name}`));
  warnOfMetadataOnly(metadataOnly, emit);
  const { images, referrers } = takeReferrersApart(withoutTwins(listed, target.name), emit);
  const all = { images: withDiscovery(images, discoveryImages(catalogs, copierOf)), referrers };
  const how = { inFlight, signal };
  const names = await askTarget(all, target, how);
  const work = decideWork(all, names, onConflict, { target: target.name, emit });
  const held = await base.find(work, how);
  const dry = async () => {
    const run = new DryRun(target);
    const tell: OnEvent = dryRun ? emit : () => {}; // what is only reckoned up has not happened
    const steps = pushSteps(work, { held, copierOf: (copier) => copier.writingTo(run.repository(copier.path), tell) });
    await runSteps(steps.steps, how);
    return steps;
  };
  if (dryRun) return reportOf(work, await dry(), catalogs);
  const paths = [...work.written, ...work.referrers.written].map(({ copier }) => copier.path);
  if (target.requireSpace && paths.length > 0) {
    const { uploaded, manifests } = (await dry()).totals.bytes;
    target.requireSpace(uploaded + manifests);
  }
  if (prove) await proveWork(bundle, work, { signal, emit });
  await using _begun = probe ? await probeWrites(paths, target, how) : undefined;
  const steps = pushSteps(work, { held });
  emit({ type: "work.planned", job: "push", ...steps.planned });
  await runSteps(steps.steps, how);
  return reportOf(work, steps, catalogs);
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

/** A name the source gives an image itself stays that image's. */
function withDiscovery(images: readonly PushedImage[], discovery: readonly PushedImage[]): readonly PushedImage[] {
  const named = new Map([...discovery, ...images].map((image) => [nameOf(image), image]));
  return [...images, ...discovery.filter((image) => named.get(nameOf(image)) === image)];
}

function nameOf({ copier, tag }: PushedImage): string {
  return formatName(copier.path, tag);
}
