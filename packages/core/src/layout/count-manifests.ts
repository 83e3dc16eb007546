import { isMirrorError } from "../errors.ts";
import { readIndexFile } from "./layout-files.ts";

/** The annotations of an entry of a layout's index. */
export type EntryAnnotations = Readonly<Record<string, string>>;

/**
 * How many entries the indexes of these layouts' folders have; an image under two tags counts twice. A folder without a
 * readable index has none.
 * @param matches Whether an entry with these annotations counts. @defaultValue all do
 */
export async function countManifests(
  paths: Iterable<string>,
  matches: (annotations: EntryAnnotations) => boolean = () => true,
): Promise<number> {
  let count = 0;
  for (const path of paths) {
    const entries = await entriesOf(path);
    count += entries.filter(({ annotations = {} }) => matches(annotations)).length;
  }
  return count;
}

/** Whether the folder holds a layout whose index lists anything. */
export async function layoutHasManifests(path: string): Promise<boolean> {
  return (await countManifests([path])) > 0;
}

async function entriesOf(path: string) {
  try {
    return (await readIndexFile(path))?.descriptors ?? [];
  } catch (error) {
    if (isMirrorError(error)) return [];
    throw error;
  }
}
