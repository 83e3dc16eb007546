import type { ByteString } from "../../layer-archive/byte-string.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: every ASCII character
const ascii = /^[\x00-\x7f]*$/;

/** A path on this machine as `node:fs` takes it byte for byte: text where it is ASCII, which is faster, else its bytes. */
export function hostPath(path: ByteString): string | Buffer {
  return ascii.test(path) ? path : Buffer.from(path, "latin1");
}

/** What names in directories of a tree may not be: then a path would not stay below its directory. */
export function isSafeName(name: ByteString): boolean {
  return name !== "" && name !== "." && name !== ".." && !name.includes("/") && !name.includes("\0");
}
