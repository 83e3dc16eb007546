import { digestAlgorithm, digestOf, type Manifest, type RegistryReader } from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";
import { buildStep, type WantedImage } from "../plan/build-step.ts";
import { checkDownloadList, type DownloadList, formatDownloadList } from "../plan/download-list.ts";
import type { Planner, RunContext } from "../plan/planner.ts";
import {
  blobPath,
  type MadeManifest,
  madeManifest,
  type PlannedImage,
  type PlannedRepository,
  type Section,
} from "../plan/section.ts";
import { openBelow } from "./open-below.ts";

/**
 * A planner that asks for exactly what a list says, digest by digest: no tag is resolved anew. The list is not believed:
 * its sections must be what the images at the source are made of.
 * @throws MirrorError `PLAN_INVALID` when it is no list at all
 */
export function listPlanner(given: DownloadList, source: RegistryReader): Planner {
  const list = checkDownloadList(given, "given to listPlanner");
  const byArchive = new Map(list.archives.map((archive) => [archive.archive, archive]));
  return {
    components: [...new Set(list.archives.map(({ component }) => component))],
    selection: { source: source.name, list: digestOf(new TextEncoder().encode(formatDownloadList(list))) },
    list,
    open: (name) => openBelow(source, name),
    async *items() {
      for (const { archive, component, item } of list.archives) yield { archive, component, name: item };
    },
    async next(item, done, run) {
      const section = byArchive.get(item.archive)?.sections[done.length];
      if (!section) return undefined;
      await requireTrue(section, done, source, run);
      const missing = done.length > 0 ? [] : list.missing.filter(({ component }) => component === item.component);
      const isFirst = list.archives.find(({ component }) => component === item.component)?.archive === item.archive;
      return { section, missing: isFirst ? missing.map(({ reference, why }) => ({ reference, why })) : [] };
    },
  };
}

/** @throws MirrorError `PLAN_OUTDATED` when an image is gone, `PLAN_INVALID` when the list says other than the source */
async function requireTrue(
  section: Section,
  done: readonly Section[],
  source: RegistryReader,
  run: RunContext,
): Promise<void> {
  for (const { source: name, made = [] } of section.repositories) {
    for (const one of made) run.source.provide({ name }, requireDigest(one));
  }
  const wanted = section.repositories.flatMap((repository) =>
    repository.images.map((image) => wantedOf(repository, image, source)),
  );
  for (const { repository, reference, tag } of wanted) {
    if (await run.source.manifest(repository, reference)) continue;
    const name = `${repository.name}:${tag}`;
    const message = `${name} was planned as ${reference}, which is no longer at the source`;
    throw new MirrorError("PLAN_OUTDATED", message, { reference: name, reason: "not at the source" });
  }
  const found = await buildStep(wanted, done, run);
  if (describe(section.repositories) === describe(found?.section.repositories ?? [])) return;
  const reason = "its blobs are not what its images are made of";
  throw new MirrorError("PLAN_INVALID", `cannot follow the plan: ${reason}`, { file: "plan", reason });
}

/** What a list says was made is not believed either. */
function requireDigest(made: MadeManifest): Manifest {
  const manifest = madeManifest(made);
  if (digestOf(manifest.bytes, digestAlgorithm(made.digest)) === made.digest) return manifest;
  const reason = `the text of ${made.digest} is another one`;
  throw new MirrorError("PLAN_INVALID", `cannot follow the plan: ${reason}`, { file: "plan", reason });
}

function wantedOf({ path, source: name }: PlannedRepository, image: PlannedImage, source: RegistryReader): WantedImage {
  const { digest, tag } = image;
  const why = image.why[0] ?? "pin";
  return {
    path,
    repository: openBelow(source, name),
    reference: digest,
    tag,
    why,
    whenMissing: "fail",
    whenBroken: "fail",
  };
}

/** What must be equal: where everything lies, and every digest and size, whether the bundle brings it or relies on it. */
function describe(repositories: readonly PlannedRepository[]): string {
  const blobs = ({ blobs, assumed = [] }: PlannedRepository) =>
    [...blobs, ...assumed]
      .sort((a, b) => compareText(blobPath(a.digest), blobPath(b.digest)))
      .map(({ digest, size, mediaType }) => [digest, size, mediaType]);
  const images = (all: readonly PlannedImage[]) =>
    all.map(({ tag, digest, size, mediaType }) => [tag, digest, size, mediaType]);
  return JSON.stringify(repositories.map((one) => [one.path, one.source, images(one.images), blobs(one)]));
}
