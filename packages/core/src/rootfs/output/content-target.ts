import type { ByteString } from "../../layer-archive/byte-string.ts";
import type { DataExtent } from "../../layer-archive/layer-entry.ts";
import type { FileInode } from "../tree/inode.ts";
import type { FileAttributes } from "./content-job.ts";

/** Where the bytes of a file go. */
export interface ContentTarget {
  readonly inode: Pick<FileInode, "size" | "content">;
  /** On this machine. */
  readonly path: ByteString;
  /** Into a file that is there, from this byte on. @defaultValue a file is made, which must not be there, with mode 0600 */
  readonly position?: number | undefined;
  /** What a file that is made is given. */
  readonly attributes?: FileAttributes | undefined;
}

/** The parts of a file that are in a layer, without empty ones; none for an edit's bytes and for a file without any. */
export function layerExtents({ content, size }: ContentTarget["inode"]): readonly DataExtent[] {
  if ("bytes" in content) return [];
  return (content.extents ?? [{ at: 0, offset: content.offset, length: size }]).filter(({ length }) => length > 0);
}
