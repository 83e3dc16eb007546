import { decodeTarText, TarFault } from "./tar-block.ts";

/** The largest extended header read, in bytes; a GNU long name is held to {@link maxTarNameBytes}. */
export const maxPaxBytes: number = 1024 * 1024;

/** The longest entry name taken, in bytes. */
export const maxTarNameBytes: number = 4096;

/** What an extended header changes about the entry after it. */
export interface PaxOverrides {
  readonly name?: string | undefined;
  readonly size?: number | undefined;
  /** What a link points to. */
  readonly linkName?: string | undefined;
}

/**
 * Reads the `path`, `size` and `linkpath` records of a PAX header; other records are of no concern here, except that sparse files are refused.
 * @throws TarFault
 * @see POSIX.1-2024 pax, "pax Extended Header"
 */
export function parsePax(body: Uint8Array): PaxOverrides {
  let name: string | undefined;
  let size: number | undefined;
  let linkName: string | undefined;
  for (let at = 0; at < body.byteLength; ) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 ? "" : Buffer.from(body.subarray(at, Math.min(space, at + 8))).toString("latin1");
    const length = /^[1-9][0-9]{0,6}$/.test(digits) && space - at === digits.length ? Number(digits) : 0;
    const end = at + length;
    const equals = body.indexOf(0x3d, space + 1);
    if (length === 0 || end > body.byteLength || body[end - 1] !== 0x0a || equals < 0 || equals >= end) {
      throw new TarFault("a PAX header is malformed");
    }
    const key = decodeTarText(body.subarray(space + 1, equals));
    const value = body.subarray(equals + 1, end - 1);
    if (key === "path") name = decodeTarText(value);
    else if (key === "size") size = parseDecimal(decodeTarText(value));
    else if (key === "linkpath") linkName = decodeTarText(value);
    else if (key.startsWith("GNU.sparse.")) throw new TarFault("sparse files are not supported");
    at = end;
  }
  return { name, size, linkName };
}

/** The name in the body of a GNU `L` record. @throws TarFault */
export function parseLongName(body: Uint8Array): string {
  // Without it, GNU tar reads on into the padding and sees another name than others.
  if (body.at(-1) !== 0) throw new TarFault("a long name does not end with a zero byte");
  let end = body.byteLength;
  while (end > 0 && body[end - 1] === 0) end -= 1;
  return decodeTarText(body.subarray(0, end));
}

/**
 * An entry's name as this project uses it: relative, `/`-separated, without a leading `../`.
 * @throws TarFault for a name that is empty, absolute, too long or that could mean another place than it says
 */
export function parseTarName(raw: string): string {
  const name = raw.replace(/^(?:\.\/+)+/, "");
  if (name === "" || name === ".") throw new TarFault("an entry has no name");
  if (Buffer.byteLength(name) > maxTarNameBytes) throw new TarFault(`a name is over ${maxTarNameBytes} bytes long`);
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name)) throw new TarFault("its name is absolute");
  if (name.includes("\\")) throw new TarFault("its name has a backslash");
  if (Array.from(name).some((character) => character < " " || character === "\u007f")) {
    throw new TarFault("its name has control characters");
  }
  for (const part of name.split("/")) {
    if (part === "..") throw new TarFault("its name leads out of the archive");
    if (part === "" || part === ".") throw new TarFault("its name is not in its shortest form");
  }
  return name;
}

function parseDecimal(text: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new TarFault("a PAX size is no number of bytes");
  return value;
}
