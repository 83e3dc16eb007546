import { type CallOptions, formatName, type Registry, type RegistryReader } from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import { Copier } from "../transfer/copier.ts";
import { CopySteps, type CopyTotals } from "../transfer/copy-steps.ts";
import { runSteps } from "../transfer/run-steps.ts";
import { type DiscoveryNames, discoveryNames } from "./discovery-names.ts";
import { DryRepository } from "./dry-repository.ts";
import { discoveryImages, type PushedImage, type PushListOptions, readPushList } from "./push-list.ts";

/** Options of {@link pushBundle}. */
export interface PushBundleOptions extends CallOptions {
  readonly onEvent?: OnEvent | undefined;
  /** Blobs and manifests under way at a time. @defaultValue 8 */
  readonly inFlight?: number | undefined;
  /** Only ask the target what it has, and report what would be sent. Of the events, warnings alone are told. @defaultValue false */
  readonly dryRun?: boolean | undefined;
}

/** What a push did; plain data, equal for equal pushes. The blobs of discovery tags count too. */
export interface PushReport extends CopyTotals {
  /** Tags, but for discovery tags: newly written, and those that named the same image before. */
  readonly images: { readonly written: number; readonly present: number };
  readonly discovery: { readonly written: number; readonly present: number };
  /** Packages that are announced. */
  readonly packages: readonly string[];
  /** Modules that are announced. */
  readonly modules: readonly string[];
  /** Repositories of packages and modules that are not announced: the source has their release metadata only. */
  readonly metadataOnly: readonly string[];
}

/** A source that can make sure of its content cheaply; `Bundle` is one. */
export interface GraphChecker {
  /** Throws when an image lacks something. */
  checkGraphs(options?: CallOptions): Promise<void>;
}

/**
 * Copies every named image of a bundle, or of any registry, into `target`, at the same paths and under the same tags, and
 * announces its packages and modules by discovery tags. Everything is read and checked before the first write. Images
 * that are there already cost one question each; versions appear only after the images they promise.
 * @throws MirrorError `TRANSFER_FAILED` for the first image that cannot be read or written, `ARCHIVE_INVALID`
 */
export async function pushBundle(
  bundle: RegistryReader & Partial<GraphChecker>,
  target: Registry,
  { signal, onEvent, inFlight = 8, dryRun = false }: PushBundleOptions = {},
): Promise<PushReport> {
  signal?.throwIfAborted();
  const emit: OnEvent = (event) => {
    if (!dryRun || event.type === "warning.raised") onEvent?.(event);
  };
  const copierOf: PushListOptions["copierOf"] = (path, from) => {
    const repository = target.repository(path);
    return new Copier({ from, to: dryRun ? new DryRepository(repository) : repository, path }, emit);
  };
  await bundle.checkGraphs?.({ signal });
  const images = await readPushList(bundle, { signal, inFlight, copierOf });
  const catalogs = discoveryNames(new Set(images.map(({ copier }) => copier.path)));
  const metadataOnly = catalogs.flatMap(({ root, metadataOnly: names }) => names.map((name) => `${root}/${name}`));
  warnOfMetadataOnly(metadataOnly, emit);
  const all = withDiscovery(images, discoveryImages(catalogs, copierOf));
  const present = await askTarget(all, target, signal, inFlight);
  const steps = stepsOf(all, present);
  await runSteps(steps.steps, { inFlight, signal });
  const count = (isDiscovery: boolean) => {
    const total = all.filter((image) => image.isDiscovery === isDiscovery);
    const kept = total.filter((image) => present.has(image)).length;
    return { written: total.length - kept, present: kept };
  };
  return {
    images: count(false),
    ...steps.totals,
    discovery: count(true),
    packages: namesOf(catalogs, "packages"),
    modules: namesOf(catalogs, "modules"),
    metadataOnly,
  };
}

/** How many paths a warning names. */
const namedPaths = 5;

function warnOfMetadataOnly(paths: readonly string[], emit: OnEvent): void {
  if (paths.length === 0) return;
  const more = paths.length > namedPaths ? ` and ${paths.length - namedPaths} more` : "";
  const names = paths.slice(0, namedPaths).join(", ") + more;
  const message = `the target's catalog will not list what comes with release metadata only: ${names}`;
  emit({ type: "warning.raised", code: "METADATA_ONLY", message });
}

/** A name the source gives an image itself stays that image's. */
function withDiscovery(images: readonly PushedImage[], discovery: readonly PushedImage[]): readonly PushedImage[] {
  const taken = new Set(images.map(nameOf));
  return [...images, ...discovery.filter((image) => !taken.has(nameOf(image)))];
}

/** Asks for every name once, and gives those that mean the same image at the target. */
async function askTarget(
  images: readonly PushedImage[],
  target: Registry,
  signal: AbortSignal | undefined,
  inFlight: number,
): Promise<ReadonlySet<PushedImage>> {
  const present = new Set<PushedImage>();
  const steps = images.map((image) => ({
    id: nameOf(image),
    run: async (own: AbortSignal) => {
      const { copier, tag, descriptor } = image;
      try {
        const there = await target.repository(copier.path).resolve(tag, { signal: own });
        if (there?.digest === descriptor.digest) present.add(image);
      } catch (error) {
        throw copier.failure(error, "target", formatName("", tag), own);
      }
    },
  }));
  await runSteps(steps, { inFlight, signal });
  return present;
}

/** The writes: rank after rank, names of one image and rank in one go. */
function stepsOf(images: readonly PushedImage[], present: ReadonlySet<PushedImage>): CopySteps {
  const steps = new CopySteps();
  const groups = new Map<string, PushedImage[]>();
  for (const image of images) {
    const { copier, tag, graph, descriptor, rank, isDiscovery } = image;
    if (present.has(image)) {
      steps.addPresent(copier, graph);
      copier.tell(tag, image, "present");
      continue;
    }
    const key = `${rank} ${copier.path}@${descriptor.digest}${isDiscovery ? tag : ""}`;
    const group = groups.get(key);
    if (group) group.push(image);
    else groups.set(key, [image]);
  }
  let after: string | undefined;
  const byRank = Map.groupBy(groups.values(), ([image]) => image?.rank ?? 0);
  for (const [rank, ranked] of [...byRank].sort(([a], [b]) => a - b)) {
    const published = ranked.flatMap(([first, ...others]) => {
      if (!first) return [];
      const tags = [first, ...others].map(({ tag }) => tag);
      return steps.addImage({
        copier: first.copier,
        graph: first.graph,
        tags,
        image: formatName("", first.tag),
        after,
      });
    });
    // Blobs flow at any time; the next rank's manifests wait for all of this one's.
    const barrier = `rank ${rank}`;
    steps.addBarrier(barrier, after === undefined ? published : [...published, after]);
    after = barrier;
  }
  return steps;
}

function nameOf({ copier, tag }: PushedImage): string {
  return formatName(copier.path, tag);
}

function namesOf(catalogs: readonly DiscoveryNames[], root: string): readonly string[] {
  return catalogs.find((catalog) => catalog.root === root)?.names ?? [];
}
