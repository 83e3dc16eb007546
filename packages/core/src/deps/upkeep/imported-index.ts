import type { Descriptor } from "@tranship/registry";
import { parseIndexFile } from "../../layout/index-file.ts";
import { LayoutDirectory } from "../../layout/layout-directory.ts";
import { layoutTagOf, withAllListed, withTagMoved } from "../../layout/layout-entry.ts";
import { invalidArchive } from "./export-file.ts";

/** What an archive lists of an image layout. */
export interface ArchivedIndex {
  /** The layout, complete. */
  readonly layout: string;
  readonly entries: readonly Descriptor[];
  /** What it is called in the archive. */
  readonly name: string;
}

/** @throws DepsError `ARCHIVE_INVALID` */
export function readArchivedIndex(layout: string, bytes: Uint8Array, archive: string, name: string): ArchivedIndex {
  try {
    return { layout, entries: parseIndexFile(bytes), name };
  } catch (error) {
    throw invalidArchive(archive, error instanceof Error ? error.message : "it cannot be read", name, error);
  }
}

/** Adds entries to those of the layout: a tag moves to what the archive says, all else stays. @throws DepsError `ARCHIVE_INVALID` */
export async function mergeIndex({ layout, entries, name }: ArchivedIndex, archive: string): Promise<void> {
  const directory = LayoutDirectory.at(layout);
  for (const { digest, size } of entries)
    if ((await directory.stat(digest)) !== size)
      throw invalidArchive(archive, `it lists ${digest}, which is not there`, name);
  await directory.change(({ descriptors }) => {
    const after = entries.reduce(withEntry, descriptors);
    return withAllListed(descriptors, after);
  });
}

function withEntry(list: readonly Descriptor[], entry: Descriptor): readonly Descriptor[] {
  if (layoutTagOf(entry) !== undefined) return withTagMoved(list, entry);
  return list.some(({ digest }) => digest === entry.digest) ? list : [...list, entry];
}
