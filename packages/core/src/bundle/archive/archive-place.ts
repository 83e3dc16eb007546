import { chunkName, partialSuffix } from "./archive-names.ts";

/** Where an archive is on this machine, and in which form: one file, or chunks side by side. */
export interface ArchivePlace {
  /** Its path as one finished file; chunks and unfinished files are named after it. */
  readonly path: string;
  /** Whether it is still being written, under `.partial` names. */
  readonly isPartial: boolean;
  /** The size of every chunk but the last, in bytes; without it, the archive is one file. */
  readonly chunkBytes?: number | undefined;
}

/** Something that knows where an archive is now: it may be renamed while it is read. `undefined` when it is gone. */
export interface Located {
  readonly place: ArchivePlace | undefined;
}

/** The path of file number `index` of an archive; one that is not in chunks has only number 0. */
export function filePathOf({ path, isPartial, chunkBytes }: ArchivePlace, index = 0): string {
  const name = chunkBytes === undefined ? path : chunkName(path, index);
  return isPartial ? name + partialSuffix : name;
}
