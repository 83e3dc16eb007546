import type { Digest } from "@tranship/registry";
import { compareText } from "../../layout/index-file.ts";
import type { DownloadList, MissingImage } from "../download-list.ts";
import type { PlannedRepository } from "../section.ts";
import { checkShard, type Shard, type ShardShare } from "./shard.ts";
import { shardUnitOf } from "./shard-unit.ts";
import { spread, type Unit } from "./spread.ts";

/** A part of a plan. */
export interface ListShard {
  readonly list: DownloadList;
  readonly share: ShardShare;
}

/**
 * The part of a plan that one of several machines brings: whole archives, what is missing in them and what failed of them.
 * Each archive is in exactly one shard, and shards are equal in bytes as far as whole archives can be. It follows from the plan and
 * nothing else, so machines that have the same plan need not know of each other.
 * @throws MirrorError `SELECTION_INVALID` when there is no such shard
 */
export function shardOf(list: DownloadList, shard: Shard): DownloadList {
  return archiveShard(list, shard).list;
}

/** {@link shardOf}, with what it comes to. @throws MirrorError `SELECTION_INVALID` */
export function archiveShard(list: DownloadList, shard: Shard): ListShard {
  checkShard(shard);
  const placeOf = placesOfMissing(list);
  const sizes = new Map(list.archives.map(({ archive, sections }) => [archive, sectionsSize(sections)]));
  for (const { archive } of list.failed ?? []) sizes.set(archive, sizes.get(archive) ?? 0);
  for (const one of list.missing) sizes.set(placeOf(one), sizes.get(placeOf(one)) ?? 0);
  const own = spread(unitsOf(sizes), shard);
  const { failed } = list;
  const ownFailed = failed?.filter(({ archive }) => own.names.has(archive)) ?? [];
  return {
    list: {
      version: list.version,
      archives: list.archives.filter(({ archive }) => own.names.has(archive)),
      missing: list.missing.filter((one) => own.names.has(placeOf(one))),
      ...(ownFailed.length === 0 ? {} : { failed: ownFailed }),
    },
    share: shareOf(shard, own),
  };
}

/**
 * The part of a plan that one of several machines brings into a registry: whole repositories, all those of a name of a
 * catalog together, so that no version is announced before what it promises. Each is in exactly one shard. What is missing or
 * failed is told by the first.
 * @throws MirrorError `SELECTION_INVALID`
 */
export function repositoryShard(list: DownloadList, shard: Shard): ListShard {
  checkShard(shard);
  const blobs = new Map<string, Map<Digest, number>>();
  for (const { path, blobs: own } of list.archives.flatMap(({ sections }) => sections.flatMap((s) => s.repositories))) {
    const unit = shardUnitOf(path);
    const sizes = blobs.get(unit) ?? new Map<Digest, number>();
    blobs.set(unit, sizes);
    for (const { digest, size } of own) sizes.set(digest, size);
  }
  const own = spread(unitsOf(new Map([...blobs].map(([unit, sizes]) => [unit, sumOf(sizes)]))), shard);
  const isOwn = ({ path }: PlannedRepository) => own.names.has(shardUnitOf(path));
  const archives = list.archives.flatMap((one) => {
    const sections = one.sections
      .map(({ repositories }) => ({ repositories: repositories.filter(isOwn) }))
      .filter(({ repositories }) => repositories.length > 0);
    return sections.length > 0 ? [{ ...one, sections }] : [];
  });
  const isFirst = shard.index === 1;
  return {
    list: {
      version: list.version,
      archives,
      missing: isFirst ? list.missing : [],
      ...(isFirst && list.failed ? { failed: list.failed } : {}),
    },
    share: shareOf(shard, own),
  };
}

function shareOf({ index, count }: Shard, { names, weight, all }: ReturnType<typeof spread>): ShardShare {
  return { index, count, items: names.size, bytes: weight, all: { items: all.units, bytes: all.weight } };
}

function* unitsOf(sizes: ReadonlyMap<string, number>): Generator<Unit> {
  for (const [name, weight] of sizes) yield { name, weight };
}

/** What is missing belongs to the archive that it would be in; old plans say of which component it is, and no more. */
function placesOfMissing({ archives }: DownloadList): (one: MissingImage) => string {
  const first = new Map<string, string>();
  for (const { component, archive } of archives) {
    const before = first.get(component);
    if (before === undefined || compareText(archive, before) < 0) first.set(component, archive);
  }
  return ({ archive, component }) => archive ?? first.get(component) ?? `${component}.tar`;
}

/** Distinct blobs: what an archive holds twice is fetched once. */
function sectionsSize(sections: DownloadList["archives"][number]["sections"]): number {
  const sizes = new Map<Digest, number>();
  for (const { blobs } of sections.flatMap(({ repositories }) => repositories)) {
    for (const { digest, size } of blobs) sizes.set(digest, size);
  }
  return sumOf(sizes);
}

function sumOf(sizes: ReadonlyMap<Digest, number>): number {
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
