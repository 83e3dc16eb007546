import { digestAlgorithm, digestOf, formatName, type Manifest, type RepositoryReader } from "@tranship/registry";
import { isMirrorError, MirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";
import { buildStep, type WantedImage } from "../plan/build-step.ts";
import { digestOfText } from "../plan/digest-of-text.ts";
import {
  checkDownloadList,
  type DownloadList,
  downloadListText,
  type MissingReference,
} from "../plan/download-list.ts";
import type { Item, PlannedStep, Planner, RunContext } from "../plan/planner.ts";
import {
  type LeftOutManifest,
  type MadeManifest,
  madeManifest,
  type PlannedBlob,
  type PlannedImage,
  type PlannedRepository,
  type Section,
} from "../plan/section.ts";
import { restOfList } from "../plan/shards/rest-of-list.ts";
import type { Shard } from "../plan/shards/shard.ts";
import { archiveShard, repositoryShard } from "../plan/shards/shard-of.ts";
import { hostOf, liesElsewhere, type SourceRegistries, sourceOpener } from "./source-registries.ts";

/** Options of {@link listPlanner}. */
export interface ListPlannerOptions {
  /** Ask only for what falls to this shard of the list. @defaultValue all of it */
  readonly shard?: Shard | undefined;
  /**
   * What is kept together. With `archive`, each is brought whole, by one shard: for bundles. With `repository`, all repositories of a
   * package or module are, whichever archives they are in: for registries, where no version is to be announced before its
   * images are there. @defaultValue "archive"
   */
  readonly shardBy?: "archive" | "repository" | undefined;
}

/** Opens a repository by its full name. */
type OpenSource = (name: string) => RepositoryReader;

/**
 * A planner that asks for exactly what a list says, digest by digest: no tag is resolved anew. The list is not believed:
 * its sections must be what the images at the source are made of. `source` is one registry that all of it lies below, or
 * gives the registry of each host; {@link listedHosts} tells which hosts that will be.
 * @throws MirrorError `PLAN_INVALID` when it is no list at all, or one of another source; `SELECTION_INVALID` when there is
 * no such shard
 */
export function listPlanner(
  given: DownloadList,
  source: SourceRegistries,
  { shard, shardBy = "archive" }: ListPlannerOptions = {},
): Planner {
  const whole = checkDownloadList(given, "given to listPlanner");
  const part = shard && (shardBy === "archive" ? archiveShard : repositoryShard)(whole, shard);
  const list = part?.list ?? whole;
  const open = sourceOpener(source);
  for (const repository of repositoriesOf(list)) requirePlace(repository, open);
  const items = itemsOf(list);
  const sections = new Map(list.archives.map(({ archive, sections: own }) => [archive, own]));
  const missing = missingByArchive(list, items);
  return {
    components: [...new Set((part ? itemsOf(whole) : items).map(({ component }) => component))],
    selection: { source: nameOf(source, list), list: digestOfText(downloadListText(list)) },
    list,
    ...(part ? { shard: part.share, isOfOthers: restOfList(whole, list) } : {}),
    ...(typeof source === "function" ? { hosts: listedHosts(list) } : {}),
    open,
    async *items() {
      yield* items;
    },
    async next({ archive }, done, run): Promise<PlannedStep | undefined> {
      const section = sections.get(archive)?.[done.length];
      if (section) await requireTrue(section, done, open, run);
      const told = done.length === 0 ? missing.get(archive) : undefined;
      if (!section && !told) return undefined;
      return { section: section ?? { repositories: [] }, missing: told ?? [] };
    },
  };
}

/** An item for every archive, and one without content for a component of which everything is missing. */
function itemsOf({ archives, missing }: DownloadList): readonly Item[] {
  const items: Item[] = archives.map(({ archive, component, item }) => ({ archive, component, name: item }));
  const absent = new Set(missing.map(({ component }) => component));
  for (const { component } of archives) absent.delete(component);
  return [...items, ...[...absent].map((component) => ({ archive: `${component}.tar`, component, name: component }))];
}

/** What is missing is known by component only: the first archive of each tells all of it. */
function missingByArchive(
  { missing }: DownloadList,
  items: readonly Item[],
): ReadonlyMap<string, readonly MissingReference[]> {
  const byComponent = Map.groupBy(missing, ({ component }) => component);
  return new Map(
    [...byComponent].flatMap(([component, all]) => {
      const first = items.find((item) => item.component === component);
      return first ? [[first.archive, all.map(({ component: _own, ...one }) => one)]] : [];
    }),
  );
}

/**
 * The hosts of the repositories that a list names, sorted.
 * @throws MirrorError `PLAN_INVALID` when it was made from something that is on no host, such as a folder
 */
export function listedHosts(list: DownloadList): readonly string[] {
  const hosts = repositoriesOf(list).map(({ source }) => {
    try {
      return hostOf(source);
    } catch (error) {
      if (liesElsewhere(error)) throw untrue(`${source} is on no registry's host: say from where to read it`);
      throw error;
    }
  });
  return [...new Set(hosts)].sort(compareText);
}

/** A repository that the source does not have is found out when it is asked for; here it must be one of the source's. */
function requirePlace({ source: name }: PlannedRepository, open: OpenSource): void {
  try {
    open(name);
  } catch (error) {
    if (liesElsewhere(error)) throw untrue(`${(error as Error).message}: it was made from another source`);
    throw error;
  }
}

/** What an interrupted pull of the list is known by. */
function nameOf(source: SourceRegistries, list: DownloadList): string {
  return typeof source === "function" ? listedHosts(list).join(" ") : source.name;
}

/** @throws MirrorError `PLAN_OUTDATED` when an image is gone, `PLAN_INVALID` when the list says other than the source */
async function requireTrue(
  section: Section,
  done: readonly Section[],
  open: OpenSource,
  run: RunContext,
): Promise<void> {
  for (const { source: name, blobs, made = [] } of section.repositories) {
    const digests = new Set(made.length === 0 ? [] : blobs.map(({ digest }) => digest));
    for (const one of made) {
      if (!digests.has(one.digest)) throw untrue(`nothing needs ${one.digest}, which was made`);
      run.source.provide({ name }, requireDigest(one));
    }
  }
  const wanted = section.repositories.flatMap((repository) => {
    for (const image of repository.images) requireName(repository, image);
    const leftOut = Map.groupBy(repository.leftOut ?? [], (one) => one.image ?? one.index);
    return repository.images.map((image) => wantedOf(repository, image, leftOut.get(image.digest) ?? [], open));
  });
  const step = await buildStep(wanted, done, run).catch((error: unknown) => {
    if (!isMirrorError(error, "IMAGE_NOT_FOUND")) throw error;
    const { reference } = error.details;
    const whole = wanted.find((one) => formatName(one.repository.name, one.reference) === reference);
    // what is missing itself was answered for, what lacks a part was refused
    throw whole ? outdated(whole, error.cause === undefined ? "which" : "a part of which", error) : error;
  });
  const found = step?.section.repositories ?? [];
  requireLeftOut(section.repositories, found);
  if (!isSame(section.repositories, found, isSameRepository))
    throw untrue("its blobs are not what its images are made of");
}

/** What a list says is left out must be what its indexes list, word for word, and not be brought after all. */
function requireLeftOut(listed: readonly PlannedRepository[], found: readonly PlannedRepository[]): void {
  const textOf = ({ path }: PlannedRepository, { digest, size, mediaType, platform, index, image }: LeftOutManifest) =>
    JSON.stringify([path, digest, size, mediaType, platform, index, image]);
  const textsOf = (all: readonly PlannedRepository[]) =>
    new Map(all.flatMap((one) => (one.leftOut ?? []).map((manifest) => [textOf(one, manifest), manifest] as const)));
  const [said, truth] = [textsOf(listed), textsOf(found)];
  for (const [text, { digest, index }] of said) {
    if (!truth.has(text)) throw untrue(`it leaves ${digest} out of ${index}, which does not list it so`);
  }
  for (const [text, { digest, index }] of truth) {
    if (!said.has(text)) throw untrue(`it does not say that ${digest} is left out of ${index}`);
  }
}

/** A reference is what people read: it must name the tag or the digest it stands beside. */
function requireName({ source }: PlannedRepository, { reference, tag, digest }: PlannedImage): void {
  if (reference !== formatName(source, tag) && reference !== formatName(source, digest))
    throw untrue(`it calls ${formatName(source, digest)} ${reference}`);
}

/** What a list says was made is not believed either. */
function requireDigest(made: MadeManifest): Manifest {
  const manifest = madeManifest(made);
  if (digestOf(manifest.bytes, digestAlgorithm(made.digest)) === made.digest) return manifest;
  throw untrue(`the text of ${made.digest} is another one`);
}

function wantedOf(
  { path, source: name }: PlannedRepository,
  image: PlannedImage,
  leftOut: readonly LeftOutManifest[],
  open: OpenSource,
): WantedImage {
  const { digest, tag } = image;
  const why = image.why[0] ?? "pin";
  return {
    path,
    repository: open(name),
    reference: digest,
    tag,
    without: new Set(leftOut.map((one) => one.digest)),
    why,
    whenMissing: "fail",
    whenBroken: "fail",
  };
}

/** What must be equal: where everything lies, and every digest and size, whether the bundle brings it or relies on it. */
function isSameRepository(one: PlannedRepository, other: PlannedRepository): boolean {
  return (
    one.path === other.path &&
    one.source === other.source &&
    isSame(one.images, other.images, (a, b) => a.tag === b.tag && isSameContent(a, b)) &&
    isSame(contentOf(one), contentOf(other), isSameContent)
  );
}

function contentOf({ blobs, assumed = [] }: PlannedRepository): readonly PlannedBlob[] {
  return [...blobs, ...assumed].sort((a, b) => compareText(a.digest, b.digest));
}

function isSameContent(one: PlannedBlob, other: PlannedBlob): boolean {
  return one.digest === other.digest && one.size === other.size && one.mediaType === other.mediaType;
}

function isSame<One>(ones: readonly One[], others: readonly One[], is: (one: One, other: One) => boolean): boolean {
  if (ones.length !== others.length) return false;
  for (const [at, other] of others.entries()) {
    const one = ones[at];
    if (one === undefined || !is(one, other)) return false;
  }
  return true;
}

function repositoriesOf({ archives }: DownloadList): readonly PlannedRepository[] {
  return archives.flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories));
}

function outdated(
  { repository, tag, reference: digest }: WantedImage,
  what: "which" | "a part of which",
  cause?: unknown,
): MirrorError<"PLAN_OUTDATED"> {
  const reference = `${repository.name}:${tag}`;
  const message = `${reference} was planned as ${digest}, ${what} is no longer at the source`;
  return new MirrorError("PLAN_OUTDATED", message, { reference, reason: "not at the source" }, { cause });
}

function untrue(reason: string): MirrorError<"PLAN_INVALID"> {
  return new MirrorError("PLAN_INVALID", `cannot follow the plan: ${reason}`, { file: "plan", reason });
}
