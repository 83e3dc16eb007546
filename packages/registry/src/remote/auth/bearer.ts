import { LruMap } from "../lru-map.ts";
import type { Identity } from "./identity.ts";
import type { ScopeSet } from "./scope.ts";
import { SingleFlight } from "./single-flight.ts";
import { TokenCache, tokenKey } from "./token-cache.ts";
import type { TokenWire } from "./token-exchange.ts";
import { requestToken, serverKey } from "./token-request.ts";
import type { TokenServer } from "./token-server.ts";

/** The header that proves who asks, or why there is none. */
export type Proof =
  | { readonly header: string; readonly hint?: undefined }
  | { readonly header?: undefined; readonly hint: string };

/** What {@link BearerTokens} are made of. */
export interface BearerParts extends TokenWire {
  /** The registry as the user wrote it. */
  readonly host: string;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

/** How long before its end a token is replaced: this long, or a quarter of its life if that is shorter. */
const longestMarginMs = 30_000;

/** So long is a token server's no taken for its answer, so that the many requests of one moment do not ask it each. */
const refusalMs = 5_000;

/**
 * The bearer tokens of one registry, fetched when they are wanted and before they end.
 * @see RFC 6750, "Authorization Request Header Field"
 */
export class BearerTokens {
  readonly #parts: BearerParts;
  readonly #tokens = new TokenCache();
  readonly #fetches = new SingleFlight<Proof>();
  readonly #refusals = new LruMap<{ readonly hint: string; readonly untilMs: number }>(1000);

  constructor(parts: BearerParts) {
    this.#parts = parts;
  }

  /**
   * The header that lets `identity` do what `wanted` says; one fetch serves all who wait for it. A string for `server` is
   * the hint where no token server can be asked.
   */
  async prove(
    identity: Identity,
    server: TokenServer | string,
    wanted: ScopeSet,
    signal?: AbortSignal,
  ): Promise<Proof> {
    const { credentials } = identity;
    if (credentials && "accessToken" in credentials) return { header: bearerHeader(credentials.accessToken) };
    if (typeof server === "string") return { hint: server };
    const nowMs = this.#parts.now();
    const audience = `${identity.id}\n${serverKey(server)}`;
    const known = this.#tokens.find(audience, wanted, nowMs);
    if (known && nowMs < known.refreshAtMs) return { header: bearerHeader(known.token) };
    const scopes = known?.scopes ?? wanted;
    const key = tokenKey(audience, scopes);
    const refusal = this.#refusals.get(key);
    if (refusal && nowMs < refusal.untilMs) return { hint: refusal.hint };
    return this.#fetches.join(
      key,
      async (fetching) => {
        const { host } = this.#parts;
        const issued = await requestToken(this.#parts, { host, server, scopes, identity }, fetching);
        if (typeof issued === "string") {
          this.#refusals.set(key, { hint: issued, untilMs: this.#parts.now() + refusalMs });
          return { hint: issued };
        }
        const { token, lifetimeMs } = issued;
        // counted from before it was asked for: how long the answer took is not known to the one who gave it
        const refreshAtMs = nowMs + lifetimeMs - Math.min(longestMarginMs, lifetimeMs / 4);
        this.#tokens.put(audience, { token, scopes, refreshAtMs, fetchedAtMs: nowMs });
        return { header: bearerHeader(token) };
      },
      signal,
    );
  }

  /** Drops the token of a header that the registry refused, and older ones that are good for `wanted`. */
  forget(header: string, wanted: ScopeSet): void {
    const [, token] = /^Bearer (.+)$/.exec(header) ?? [];
    if (token !== undefined) this.#tokens.forget(token, wanted);
  }
}

function bearerHeader(token: string): string {
  return `Bearer ${token}`;
}
