import type { InodeMetadata } from "../tree/inode.ts";

/** What Linux can set on an ext4 file system. @see xattr(7), "Extended attribute namespaces" */
const names = /^(?:(?:user|trusted|security)\..|system\.posix_acl_(?:access|default)$)/s;

/**
 * The extended attributes of an inode that ext4 has a place for. Names of other systems, such as `com.apple.provenance`, have
 * none and make a faulty image.
 * @see Linux kernel documentation, "ext4 Data Structures and Algorithms", "Extended Attributes"
 */
export function ext4Xattrs({ xattrs }: Pick<InodeMetadata, "xattrs">): InodeMetadata["xattrs"] {
  if (xattrs === undefined) return undefined;
  const held = [...xattrs].filter(([name]) => names.test(name));
  if (held.length === xattrs.size) return xattrs;
  return held.length === 0 ? undefined : new Map(held);
}
