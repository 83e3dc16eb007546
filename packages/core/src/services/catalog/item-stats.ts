import type { Section } from "../../plan/section.ts";

/** What one name of a catalog came to in the last plan or pull. */
export interface ItemStat {
  readonly name: string;
  /** Tags over all of its repositories; one image under two tags counts twice. */
  readonly images: number;
  /** Of these, attestations. */
  readonly vex: number;
  /** Tags of the name's own repository: its versions, without what is only known by a digest. */
  readonly versions: readonly string[];
}

/** Sums over a catalog's {@link ItemStat}s. */
export interface CatalogTotals {
  /** Whether there has been a plan or pull. */
  readonly attempted: boolean;
  /** Nothing but extra images was asked for. */
  readonly onlyExtraImages: boolean;
  readonly totalImages: number;
  readonly totalVex: number;
}

/** Tags that stand for content, not for a version: a digest's hexadecimal half, or what hangs on a digest. */
const contentTag = /^(?:[0-9a-f]{64}|sha(?:256|512)-[0-9a-f]{64,128}(?:\..+)?)$/;

/** Sums up what is planned for each name; `root` is the catalog's folder in archives. Names without images are left out. */
export function itemStats(planned: Iterable<readonly [string, readonly Section[]]>, root: string): readonly ItemStat[] {
  return [...planned]
    .map(([name, sections]): ItemStat => {
      const repositories = sections.flatMap((section) => section.repositories);
      const tags = repositories.flatMap(({ images }) => images.map(({ tag }) => tag));
      const own = repositories.filter(({ path }) => path === `${root}/${name}`);
      const versions = own.flatMap(({ images }) => images.map(({ tag }) => tag)).filter((tag) => !contentTag.test(tag));
      return { name, images: tags.length, vex: tags.filter((tag) => tag.endsWith(".att")).length, versions };
    })
    .filter(({ images }) => images > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
