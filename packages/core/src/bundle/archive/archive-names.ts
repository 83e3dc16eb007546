/** What a file of an archive is called until the archive is finished: its name and this. */
export const partialSuffix = ".partial";

/** How a bundle's file name reads: whose archive it is part of, and which part. */
export interface ArchiveFileName {
  /** Such as `package-console.tar`, also where it is split into chunks. */
  readonly archive: string;
  /** The chunk's number, from 0; `undefined` for a whole archive. */
  readonly chunk?: number | undefined;
}

const chunkPattern = /^(.+\.tar)\.([0-9]{4,9})\.chunk$/;

/** The name of chunk number `index` (from 0) of an archive: `package-console.tar.0000.chunk`. */
export function chunkName(archive: string, index: number): string {
  return `${archive}.${String(index).padStart(4, "0")}.chunk`;
}

/** Reads a finished file's name, without its folder; `undefined` when it is no archive's. */
export function parseArchiveFileName(name: string): ArchiveFileName | undefined {
  const [, archive, digits] = chunkPattern.exec(name) ?? [];
  if (archive !== undefined && digits !== undefined) return { archive, chunk: Number(digits) };
  return name.endsWith(".tar") ? { archive: name } : undefined;
}

/** The names of the files an archive of `bytes` bytes is made of: its own, or its chunks' in order. */
export function archiveFileNames(archive: string, bytes: number, chunkBytes?: number): readonly string[] {
  if (chunkBytes === undefined) return [archive];
  return Array.from({ length: Math.max(1, Math.ceil(bytes / chunkBytes)) }, (_, index) => chunkName(archive, index));
}
