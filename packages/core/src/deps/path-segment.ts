import { DepsError } from "./errors.ts";

/** The longest name that every file system holds, in bytes. */
const maxSegmentBytes = 255;

/** The longest path below a folder, in bytes. */
const maxPathBytes = 2048;

/** Devices, on Windows, in every folder and with every extension. */
const deviceName = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])$/i;

/**
 * Whether `text` may be the name of one file or folder, wherever the cache is: neither `.` nor `..`, without slashes,
 * backslashes, control and invisible characters, no drive letter, no device name of Windows, no dot or space at its end,
 * at most 255 bytes long.
 */
export function isPathSegment(text: string): boolean {
  return faultOf(text) === undefined;
}

/**
 * `text`, if it may be the name of one file or folder.
 * @param what what is named, for messages, such as `item name`
 * @throws DepsError `NAME_UNSAFE`
 * @see {@link isPathSegment}
 */
export function requirePathSegment(text: string, what: string): string {
  const fault = faultOf(text);
  if (fault === undefined) return text;
  throw unsafe(text, what, fault);
}

/**
 * The names of a path with `/` between them, each one that may be the name of a file or folder: joined to a folder, they
 * stay below it. There is at least one.
 * @param what what is named, for messages, such as `repository`
 * @throws DepsError `NAME_UNSAFE`
 */
export function requirePathSegments(text: string, what: string): readonly string[] {
  if (Buffer.byteLength(text) > maxPathBytes) throw unsafe(text, what, `it is over ${maxPathBytes} bytes long`);
  const segments = text.split("/");
  for (const segment of segments) {
    const fault = faultOf(segment);
    if (fault !== undefined) throw unsafe(text, what, segments.length > 1 ? `in a part of it, ${fault}` : fault);
  }
  return segments;
}

function faultOf(text: string): string | undefined {
  if (text === "") return "it is empty";
  if (Buffer.byteLength(text) > maxSegmentBytes) return `it is over ${maxSegmentBytes} bytes long`;
  if (text === "." || text === "..") return "it is a step, not a name";
  if (/[/\\]/.test(text)) return "it has a slash or backslash in it";
  if (!text.isWellFormed() || /[\p{Cc}\p{Cf}\u2028\u2029]/u.test(text))
    return "it has control or invisible characters in it";
  if (/^[A-Za-z]:/.test(text)) return "it begins like a drive";
  if (/[. ]$/.test(text)) return "it ends in a dot or space";
  if (deviceName.test(text.replace(/ *[.:].*$/s, ""))) return "it is the name of a device on Windows";
  return undefined;
}

function unsafe(text: string, what: string, reason: string): DepsError<"NAME_UNSAFE"> {
  const name = text.slice(0, 300);
  return new DepsError("NAME_UNSAFE", `${JSON.stringify(name)} cannot be used as ${what}: ${reason}`, {
    what,
    name,
    reason,
  });
}
