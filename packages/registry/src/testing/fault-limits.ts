import type { Fault } from "./fault.ts";

/** Options of `faults.rateLimit`. */
export interface RateLimitOptions {
  /** How many requests are served in each window. */
  readonly requests: number;
  /** What the `Retry-After` of a refusal says, in seconds. */
  readonly retryAfterSeconds: number;
  /** A window begins with a request and lasts for so many milliseconds. @defaultValue `retryAfterSeconds` */
  readonly windowMs?: number | undefined;
}

/** @see RFC 6585, "429 Too Many Requests" */
export function rateLimit({
  requests,
  retryAfterSeconds,
  windowMs = retryAfterSeconds * 1000,
}: RateLimitOptions): Fault {
  const headers = { "content-type": "application/json", "retry-after": String(retryAfterSeconds) };
  const body = JSON.stringify({ errors: [{ code: "TOOMANYREQUESTS", message: "slow down" }] });
  return {
    begin: () => {
      let beganAtMs = Number.NEGATIVE_INFINITY;
      let served = 0;
      return () => {
        const nowMs = Date.now();
        if (nowMs - beganAtMs >= windowMs) {
          beganAtMs = nowMs;
          served = 0;
        }
        served += 1;
        return served > requests ? { answer: { status: 429, headers, body } } : undefined;
      };
    },
  };
}

/** Credentials seen by the time they run out are refused from then on; others are as good as new. */
export function unauthorizedAfter(requests: number): Fault {
  return {
    begin: () => {
      const seen = new Set<string | undefined>([undefined]);
      let served = 0;
      return ({ authorizationId }) => {
        served += 1;
        if (served <= requests + 1) seen.add(authorizationId);
        if (served <= requests) return undefined;
        return seen.has(authorizationId) ? { unauthorized: true } : undefined;
      };
    },
  };
}
