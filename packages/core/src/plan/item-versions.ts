import { compareText } from "../layout/index-file.ts";
import { sortVersions, versionOfTag } from "../selection/version.ts";
import type { DownloadList } from "./download-list.ts";
import { imagesOfItem } from "./item-images.ts";

/** The versions of one item of a plan. */
export interface ItemVersions {
  readonly component: string;
  /** The item of the component, such as the name of a package. */
  readonly item: string;
  /** Tags of its own repository, newest first; those that are no versions follow in the order of text. */
  readonly versions: readonly string[];
  /** Tags of it that name VEX attestations. */
  readonly attestations: number;
}

/** Tags that stand for content, not for a version: a digest's hexadecimal half, or what hangs on a digest. */
const contentTag = /^(?:[0-9a-f]{64}|sha(?:256|512)-[0-9a-f]{64,128}(?:\..+)?)$/;

/** What a plan has of each item, in the plan's order; items of which it names no version are left out. */
export function itemVersions(list: DownloadList): readonly ItemVersions[] {
  return list.archives.flatMap(({ component, item, sections }) => {
    const main = imagesOfItem(list, item, component)?.main.values() ?? [];
    const versions = [...new Set([...main].map(({ tag }) => tag))].filter((tag) => !contentTag.test(tag));
    if (versions.length === 0) return [];
    const tags = sections.flatMap(({ repositories }) => repositories.flatMap(({ images }) => images));
    const attestations = tags.filter(({ tag }) => tag.endsWith(".att")).length;
    return [{ component, item, versions: newestFirst(versions), attestations }];
  });
}

function newestFirst(tags: readonly string[]): readonly string[] {
  const versions = sortVersions(tags.flatMap((tag) => versionOfTag(tag) ?? [])).map(({ tag }) => tag);
  const known = new Set<string>(versions);
  return [...versions, ...tags.filter((tag) => !known.has(tag)).sort(compareText)];
}
