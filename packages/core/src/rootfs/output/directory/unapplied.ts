import type { ByteString } from "../../../layer-archive/byte-string.ts";
import type { Inode } from "../../tree/inode.ts";

/** What of an entry could not be applied, or the entry itself where it could not be made. */
export interface UnappliedParts {
  readonly missing?: true;
  readonly owner?: true;
  readonly mode?: true;
  readonly times?: true;
  /** Names of extended attributes. */
  readonly xattrs?: readonly ByteString[];
  /** Of a name that is not there because what it is a hard link to could not be made. */
  readonly linkTo?: ByteString;
}

/** What a directory lacks of its image, by path; and why, for people. */
export class Unapplied {
  readonly #entries = new Map<ByteString, { readonly inode: Inode; readonly parts: UnappliedParts }>();
  readonly #reasons = new Map<string, number>();

  /** Notes parts of what is at a path in the tree; `reason` names the privilege or program that is missing. */
  add(path: ByteString, inode: Inode, parts: UnappliedParts, reason: string): void {
    const before = this.#entries.get(path)?.parts;
    const xattrs = [...(before?.xattrs ?? []), ...(parts.xattrs ?? [])];
    this.#entries.set(path, { inode, parts: { ...before, ...parts, ...(xattrs.length > 0 ? { xattrs } : {}) } });
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** By path, bytewise. */
  entries(): readonly { readonly path: ByteString; readonly inode: Inode; readonly parts: UnappliedParts }[] {
    return [...this.#entries].map(([path, entry]) => ({ path, ...entry })).sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Such as `12 owners (root, or CAP_CHOWN, is needed)`. */
  reasons(): string {
    return [...this.#reasons].map(([reason, count]) => `${count} ${reason}`).join("; ");
  }
}
