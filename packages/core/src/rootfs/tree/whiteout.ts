import type { ByteString } from "../../layer-archive/byte-string.ts";
import { PathFault } from "./walk-path.ts";

const prefix = ".wh.";
const reserved = ".wh..wh.";
const opaqueName = ".wh..wh..opq";

/** What an entry's name says instead of naming something. */
export type Whiteout =
  /** That lower layers' `name` is gone. */
  | { readonly type: "name"; readonly name: ByteString }
  /** That all that lower layers have in the directory is gone. */
  | { readonly type: "opaque" }
  /** Nothing: old AUFS bookkeeping. */
  | { readonly type: "reserved" };

/**
 * Reads a cleaned path for what it says of lower layers; `undefined` when it is an ordinary one.
 * @throws PathFault for a whiteout of nothing, of `.` or of `..`, and for something inside one.
 * @see image-spec v1.1.1, "Representing Changes"
 */
export function whiteoutOf(names: readonly ByteString[]): Whiteout | undefined {
  const last = names.length - 1;
  for (const [index, name] of names.entries()) {
    if (!name.startsWith(prefix)) continue;
    if (index === last && name === opaqueName) return { type: "opaque" };
    if (name.startsWith(reserved)) return { type: "reserved" };
    if (index < last) throw new PathFault(`${JSON.stringify(name)} is a whiteout and holds nothing`);
    const gone = name.slice(prefix.length);
    if (gone === "" || gone === "." || gone === "..") throw new PathFault("it is a whiteout of no name");
    return { type: "name", name: gone };
  }
  return undefined;
}
