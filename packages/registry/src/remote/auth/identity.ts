import { isDeepStrictEqual } from "node:util";
import { RegistryError } from "../../errors.ts";
import { LruMap } from "../lru-map.ts";
import type { Credentials } from "./authenticator.ts";

/** Who asks, and what token servers gave for it since. */
export class Identity {
  /** Tells identities apart within one registry. */
  readonly id: number;
  readonly credentials: Credentials | undefined;
  /** Refresh tokens that take the place of the credentials, by the token server that gave them; no other gets to see them. */
  readonly refreshTokens: LruMap<string> = new LruMap(16);
  /** The token server that answers to `POST` only. */
  formOnly: string | undefined;

  constructor(id: number, credentials: Credentials | undefined) {
    this.id = id;
    this.credentials = credentials;
  }

  /** Whether these are the same credentials. */
  holds(credentials: Credentials | undefined): boolean {
    return isDeepStrictEqual(this.credentials, credentials);
  }
}

/** The longest token that is sent in a header, in characters. */
export const maxTokenLength: number = 16 * 1024;

/** Whether `text` can stand in a header as a bearer token: visible ASCII, and not endless. */
export function isHeaderToken(text: string): boolean {
  return text.length <= maxTokenLength && /^[\x21-\x7e]+$/.test(text);
}

/**
 * Gives `credentials` back when they can be sent. `source` says where they come from.
 * @throws RegistryError `CREDENTIALS_UNUSABLE`
 */
export function checkCredentials(credentials: Credentials, source: string): Credentials {
  const reason = flawOf(credentials);
  if (reason === undefined) return credentials;
  throw new RegistryError("CREDENTIALS_UNUSABLE", `cannot use credentials of ${source}: ${reason}`, { source, reason });
}

function flawOf(credentials: Credentials): string | undefined {
  const { username, password, identityToken, accessToken }: Readonly<Record<string, unknown>> = { ...credentials };
  if (typeof accessToken === "string") return isHeaderToken(accessToken) ? undefined : "the access token is not one";
  if (typeof identityToken === "string") return identityToken === "" ? "the identity token is empty" : undefined;
  if (typeof username !== "string" || typeof password !== "string") return "there is neither a password nor a token";
  return username.includes(":") ? "a user name cannot contain a colon" : undefined;
}
