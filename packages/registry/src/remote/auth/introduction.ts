import { BodyTaker } from "../body-taker.ts";
import { exchange } from "../exchange.ts";
import { listHeaderOf } from "../headers.ts";
import { httpError } from "../http-error.ts";
import { mayPass } from "../retry.ts";
import type { Challenge } from "./challenge.ts";
import { parseChallenges } from "./challenge.ts";
import type { TokenWire } from "./token-exchange.ts";

/**
 * Asks a registry for its base, as nobody. Registries hide what somebody may not see behind a 404, so who has credentials
 * has to know how to show them before the first real request; a challenge to that one may never come. So an answer that
 * says nothing but "later" is a failure: going on as nobody, what is there could be told as missing.
 *
 * Gives how it wants to be shown who asks; nothing when it lets anybody in.
 * @throws RegistryError `NETWORK`, `TIMEOUT`, `TLS`, `PROTOCOL`, `RATE_LIMITED`, `SERVER_ERROR`
 * @see distribution-spec v1.1.1, "Determining Support"
 */
export async function introduce(
  { dispatcher, idleTimeoutMs, userAgent }: TokenWire,
  host: string,
  origin: URL,
  signal: AbortSignal,
): Promise<readonly Challenge[]> {
  const operation = { registry: origin.host, reference: host, what: `reach ${host}` };
  const url = new URL("/v2/", origin);
  const headers = { "user-agent": userAgent, "accept-encoding": "identity" };
  const taker = new BodyTaker({ method: "GET", operation, expect: [] });
  const request = { method: "GET", url, headers, operation, idleTimeoutMs, signal } as const;
  const { status, headers: told } = await exchange(dispatcher, request, (head) => taker.sinkFor(head));
  if (status === 401) return parseChallenges(listHeaderOf(told, "www-authenticate"));
  const failure = httpError({ status, headers: told, body: taker.body(), host: origin.host }, operation);
  if (mayPass(failure, 1)) throw failure;
  return [];
}
