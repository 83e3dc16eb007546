import { type ArchiveEntry, paxArchive } from "./pax-archive.ts";

/** How many files the base of the image has, and in how many directories: more than a file system of 1 GiB has inodes unless it is told. */
const [files, directories] = [75_000, 1500];

/** Two layers of very many small files, of which the second takes some away. */
export function manyFilesLayers(): readonly Uint8Array[] {
  const folders = Array.from({ length: directories }, (_, index) => `srv/${index % 30}/folder-${index}`);
  const base: ArchiveEntry[] = [{ name: "srv", type: "directory" }];
  for (let index = 0; index < 30; index += 1) base.push({ name: `srv/${index}`, type: "directory" });
  for (const name of folders) base.push({ name, type: "directory", mtime: "1650000000.5" });
  for (let index = 0; index < files; index += 1) {
    const name = `${folders[index % directories]}/file-${index}`;
    if (index % 50 === 49)
      base.push({ name, type: "hardlink", target: `${folders[(index - 1) % directories]}/file-${index - 1}` });
    else
      base.push({
        name,
        content: `file ${index}\n`.repeat(index % 90),
        uid: index % 7,
        mtime: `${1_600_000_000 + index}.25`,
      });
  }
  const upper: ArchiveEntry[] = folders.slice(0, 20).map((folder) => ({ name: `${folder}/.wh..wh..opq` }));
  for (const folder of folders.slice(20, 40)) upper.push({ name: folder.replace(/[^/]*$/, ".wh.$&") });
  for (let index = 0; index < 2000; index += 1)
    upper.push({ name: `srv/0/folder-60/new-${index}`, content: `${index}` });
  return [paxArchive(base), paxArchive(upper)];
}
