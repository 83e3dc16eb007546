/**
 * Names, paths and link targets inside a root file system are bytes, not text: here they are strings with one character
 * (U+0000 to U+00FF) a byte, so that none is lost, comparing is bytewise, and one costs a byte in memory.
 */
export type ByteString = string;

/** What a user wrote, as the bytes of its UTF-8 form. */
export function byteStringOf(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** As people read it: bytes that are not UTF-8 become U+FFFD. For messages, never for finding a file. */
export function textOfByteString(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
