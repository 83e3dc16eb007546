import * as z from "zod";
import { isHeaderToken, maxTokenLength } from "./identity.ts";

/** What a token server gave. */
export interface IssuedToken {
  readonly token: string;
  /** How long it is good for, in milliseconds. */
  readonly lifetimeMs: number;
  /** What to ask with from now on. */
  readonly refreshToken?: string | undefined;
}

/** What the specification promises, and what holds when nothing is said. */
const shortestLifetimeSeconds = 60;

/** Longer lifetimes are cut to a day: some servers would have tokens live for all time, or for more than a number holds. */
const longestLifetimeSeconds = 24 * 60 * 60;

const seconds = z.union([
  z.number(),
  z
    .string()
    .regex(/^[0-9]{1,9}$/)
    .transform(Number),
]);

const answerSchema = z.object({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  expires_in: seconds.nullish().catch(undefined),
  refresh_token: z.string().max(maxTokenLength).nullish().catch(undefined),
});

/**
 * Reads a token server's answer; a string tells what is wrong with it, without repeating any of it. `issued_at` is not
 * looked at: it is of the server's clock.
 * @see distribution, "Token Authentication Specification", "Token Response Fields"
 */
export function parseIssuedToken(body: Uint8Array): IssuedToken | string {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return "the answer is no JSON";
  }
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) return "the answer is not that of a token server";
  const { token, access_token: accessToken, expires_in: lifetime, refresh_token: refreshToken } = parsed.data;
  const bearer = token || accessToken;
  if (!bearer) return "the answer holds no token";
  if (!isHeaderToken(bearer)) return "the token cannot be sent in a header";
  return {
    token: bearer,
    lifetimeMs: Math.min(Math.max(lifetime ?? 0, shortestLifetimeSeconds), longestLifetimeSeconds) * 1000,
    ...(refreshToken ? { refreshToken } : {}),
  };
}
