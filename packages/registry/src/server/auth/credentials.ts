import { createHash, timingSafeEqual } from "node:crypto";

/** User name and password of HTTP's Basic scheme. */
export interface BasicCredentials {
  readonly username: string;
  readonly password: string;
}

/** Whether a `Basic` header of these credentials was sent; takes the same time for every header. */
export function isBasicOf(credentials: BasicCredentials, header: string): boolean {
  const [, sent = ""] = /^basic +(\S+)$/i.exec(header) ?? [];
  return timingSafeEqual(hash(sent), hash(basicText(credentials)));
}

/** Whether two credentials are the same; takes the same time for all. */
export function isSame(one: BasicCredentials, two: BasicCredentials): boolean {
  return timingSafeEqual(hash(basicText(one)), hash(basicText(two)));
}

function basicText({ username, password }: BasicCredentials): string {
  return Buffer.from(`${username}:${password}`).toString("base64");
}

/** Hashed, so that two texts of any lengths take the same time to compare. */
function hash(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
