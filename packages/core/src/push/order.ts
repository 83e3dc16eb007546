import type { Tag } from "@tranship/registry";
import { isReleaseChannel } from "../selection/channels.ts";

/**
 * When an image is published, so that whatever advertises a version comes after what it advertises:
 * 0 content named by its digest, 1 ordinary tags, 2 versions in release metadata, 3 channels there, 4 names in a catalog.
 */
export type PublishRank = 0 | 1 | 2 | 3 | 4;

/** A catalog whose names are announced as tags of its root repository. */
export interface AnnouncedCatalog {
  /** The catalog's repository below the registry root; each name has its own repositories below it. */
  readonly root: string;
  /** The repository with a name's release metadata, below the name; without one, all content counts. */
  readonly metadata?: string | undefined;
}

/** The catalogs a push announces: packages, modules and plugins. */
export const announcedCatalogs: readonly AnnouncedCatalog[] = [
  { root: "packages", metadata: "version" },
  { root: "modules", metadata: "release" },
  { root: "deckhouse-cli/plugins" },
];

const digestTag = /^(?:[0-9a-f]{64}|sha(?:256|512)-[0-9a-f]{64}(?:\..+)?)$/;

/** The rank of the image `tag` of the repository at `path` below the registry root. */
export function publishRank(path: string, tag: Tag): PublishRank {
  if (digestTag.test(tag)) return 0;
  if (announcedCatalogs.some(({ root }) => root === path)) return 4;
  if (!isReleaseMetadata(path)) return 1;
  return isReleaseChannel(tag) ? 3 : 2;
}

/**
 * Whether the repository advertises versions of the content beside it: `release-channel`, and `version` or `release` right
 * below a name of a catalog. A package that is itself called `version` is none, and neither is an extra image.
 */
function isReleaseMetadata(path: string): boolean {
  const segments = path.split("/");
  const [last, , root] = [...segments].reverse();
  if (last === "release-channel") return true;
  return (
    segments.length >= 3 && announcedCatalogs.some((catalog) => catalog.root === root && catalog.metadata === last)
  );
}
