import type { PasswordCredentials } from "./authenticator.ts";

/**
 * The `Authorization` header of a user name and a password.
 * @see RFC 7617, "The 'Basic' HTTP Authentication Scheme"
 */
export function basicHeader({ username, password }: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}
