import * as z from "zod";
import type { Credentials } from "../auth/authenticator.ts";
import { checkCredentials } from "../auth/identity.ts";
import { unusable } from "./unusable.ts";

const text = z.string().nullish();

/** What `auths` holds under one key. */
export const authEntrySchema: z.ZodType<AuthEntry> = z.object({
  auth: text,
  username: text,
  password: text,
  identitytoken: text,
  registrytoken: text,
});

/** One entry of `auths`; also an empty one is an entry: docker leaves it to mark what it keeps in a store. */
export interface AuthEntry {
  /** `user:password` in base64. */
  readonly auth?: string | null | undefined;
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
  readonly identitytoken?: string | null | undefined;
  readonly registrytoken?: string | null | undefined;
}

/**
 * The credentials of an entry; `undefined` when it holds none. A token goes before a password, as with docker.
 * @throws RegistryError `CREDENTIALS_UNUSABLE`, naming `source`
 */
export function credentialsOfEntry(entry: AuthEntry, source: string): Credentials | undefined {
  const { registrytoken, identitytoken } = entry;
  if (registrytoken) return checkCredentials({ accessToken: registrytoken }, source);
  const pair = entry.auth ? decodeAuth(entry.auth, source) : pairOf(entry);
  if (identitytoken) {
    const named = pair === undefined || pair.username === "" ? {} : { username: pair.username };
    return checkCredentials({ identityToken: identitytoken, ...named }, source);
  }
  return pair === undefined ? undefined : checkCredentials(pair, source);
}

/**
 * Decodes `user:password` in base64; the password may hold colons.
 * @throws RegistryError `CREDENTIALS_UNUSABLE`, naming `source`
 */
export function decodeAuth(auth: string, source: string): { readonly username: string; readonly password: string } {
  const encoded = auth.replace(/[\r\n]/g, "").trim(); // lines as base64(1) breaks them, which docker reads, too
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) throw unusable(source, "an auth is not in base64");
  const decoded = utf8(Buffer.from(encoded, "base64"));
  const colon = decoded?.indexOf(":") ?? -1;
  if (decoded === undefined || colon < 0) throw unusable(source, "an auth does not hold user:password");
  // some writers pad with zero bytes; docker drops them, too
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, "") };
}

function pairOf({ username, password }: AuthEntry): { username: string; password: string } | undefined {
  return username && password ? { username, password } : undefined;
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
