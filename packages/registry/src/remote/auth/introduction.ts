import { BodyTaker } from "../body-taker.ts";
import { exchange } from "../exchange.ts";
import type { Challenge } from "./challenge.ts";
import { parseChallenges } from "./challenge.ts";
import type { TokenWire } from "./token-exchange.ts";

/** What a registry says to somebody it does not know. */
export interface Introduction {
  /** It answered as registries do, so there is no need to ask again. */
  readonly isConclusive: boolean;
  /** How it wants to be shown who asks; none when it lets anybody in. */
  readonly challenges: readonly Challenge[];
}

/**
 * Asks a registry for its base, as nobody. Registries hide what somebody may not see behind a 404, so who has credentials
 * has to know how to show them before the first real request; a challenge to that one may never come.
 * @throws RegistryError `NETWORK`, `TIMEOUT`, `TLS`, `PROTOCOL`
 * @see distribution-spec v1.1.1, "Determining Support"
 */
export async function introduce(
  { dispatcher, idleTimeoutMs, userAgent }: TokenWire,
  host: string,
  origin: URL,
  signal: AbortSignal,
): Promise<Introduction> {
  const operation = { registry: origin.host, reference: host, what: `reach ${host}` };
  const url = new URL("/v2/", origin);
  const headers = { "user-agent": userAgent, "accept-encoding": "identity" };
  const taker = new BodyTaker({ method: "GET", operation, expect: [] });
  const request = { method: "GET", url, headers, operation, idleTimeoutMs, signal } as const;
  const answer = await exchange(dispatcher, request, (head) => taker.sinkFor(head));
  const value = answer.headers["www-authenticate"];
  const challenges = answer.status === 401 ? parseChallenges(Array.isArray(value) ? value.join(", ") : value) : [];
  return { isConclusive: answer.status < 500 && answer.status !== 429, challenges };
}
