import type { ByteString } from "../../layer-archive/byte-string.ts";

/** `debugfs` reads its commands line by line into a buffer of the C library's size, the newline and a NUL included. */
const maxLineBytes = 8192 - 2;

/** A word of a `debugfs` command; names and paths in it are bytes, one a character. */
export function debugfsWord(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** Whether a line comes through: it is cut at an end of line of any system, a NUL ends it, and it must not be too long. */
export function isDebugfsLine(line: string): boolean {
  return line.length <= maxLineBytes && !/[\n\r\0]/.test(line);
}

/** What a link's target is as long as `debugfs` works on it: the same, or one of the same length that a command can have. */
export function standInTarget(target: ByteString): ByteString {
  // with a quote for each byte it would be too long for a line
  return isDebugfsLine(target) && debugfsWord(target).length < 7000 ? target : "x".repeat(target.length);
}
