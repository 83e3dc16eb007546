import type { Authenticator, ChallengeAnswer, Credentials } from "./authenticator.ts";
import type { Challenge } from "./challenge.ts";

/**
 * Sends the credentials with every request; without any, asks as nobody.
 * @see RFC 7617, "The 'Basic' HTTP Authentication Scheme"
 */
export function basicAuthenticator(credentials?: Credentials): Authenticator {
  const header = credentials && basicHeader(credentials);
  return {
    authorization: async () => header,
    challenged: async ({ challenges }) => answer(challenges, header !== undefined),
  };
}

function basicHeader({ username, password }: Credentials): string {
  if (username.includes(":")) throw new TypeError("a user name cannot contain a colon");
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

function answer(challenges: readonly Challenge[], known: boolean): ChallengeAnswer {
  const schemes = new Set(challenges.map(({ scheme }) => scheme));
  if (schemes.has("bearer") && !schemes.has("basic")) {
    return { tryAgain: false, hint: "the registry wants a bearer token, which this client cannot fetch" };
  }
  return { tryAgain: false, ...(known ? {} : { hint: "no credentials were given" }) };
}
