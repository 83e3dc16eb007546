/** Bytes of a block: guests that map an image into their memory need blocks as large as a page. */
export const blockBytes = 4096;

/** Bytes of an inode: what times with nanoseconds and a small extended attribute need. */
export const inodeBytes = 256;

/** Image files end at a multiple of so many bytes: a guest maps them in huge pages. */
export const alignmentBytes: number = 2 * 1024 ** 2;

/** The inode of the root directory. */
export const rootInode = 2;

/** The inode of `lost+found`, which is the first one that is not the file system's own. */
export const lostAndFoundInode = 11;

/** The directory that a file system check needs, in the root. */
export const lostAndFoundName = "lost+found";

/** The next multiple of {@link alignmentBytes}. */
export function alignedBytes(bytes: number): number {
  return Math.ceil(bytes / alignmentBytes) * alignmentBytes;
}
