import type { LayerEntry } from "../../layer-archive/layer-entry.ts";

/** What an extended attribute, and a part of a sparse file, take in memory besides their bytes; measured with Node 24. */
const [attributeBytes, extentBytes] = [400, 80];

/**
 * What the names, link targets, extended attributes and parts of an entry take in memory: archives can have millions of empty
 * attributes and of parts of one byte.
 */
export function metadataBytes({ name, linkName = "", xattrs = [], extents = [] }: LayerEntry): number {
  const valueBytes = xattrs.reduce((sum, [key, value]) => sum + attributeBytes + key.length + value.byteLength, 0);
  return name.length + linkName.length + valueBytes + extents.length * extentBytes;
}
