import type { Authenticator, Credentials, PasswordCredentials } from "./authenticator.ts";

/**
 * The `Authorization` header of a user name and a password.
 * @see RFC 7617, "The 'Basic' HTTP Authentication Scheme"
 */
export function basicHeader({ username, password }: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

/** Sends a user name and a password with every request; without any, asks as nobody. */
export function basicAuthenticator(credentials?: Credentials): Authenticator {
  const header = credentials && "password" in credentials ? basicHeader(credentials) : undefined;
  return {
    authorization: async () => header,
    challenged: async ({ challenges }) => {
      const wantsToken = challenges.some(({ scheme }) => scheme === "bearer");
      if (wantsToken) {
        return { tryAgain: false, hint: "the registry wants a bearer token, which this client cannot fetch" };
      }
      return { tryAgain: false, ...(header === undefined ? { hint: "no credentials were given" } : {}) };
    },
  };
}
