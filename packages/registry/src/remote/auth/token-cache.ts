import { LruMap } from "../lru-map.ts";
import { coversScopes, type ScopeSet } from "./scope.ts";

/** A bearer token and what it was asked for. */
export interface CachedToken {
  readonly token: string;
  readonly scopes: ScopeSet;
  /** From then on another one is fetched, on the clock of whoever keeps it. */
  readonly refreshAtMs: number;
}

interface Entry extends CachedToken {
  readonly audience: string;
}

const maxTokens = 1000;

/** Tokens by audience (who asks which token server for which service) and scopes. */
export class TokenCache {
  readonly #tokens = new LruMap<Entry>(maxTokens);

  /**
   * The token to use for `wanted`: the very one, or one that may do more. Where none is fresh at `nowMs`, a stale one
   * tells which scopes proved right.
   */
  find(audience: string, wanted: ScopeSet, nowMs: number): CachedToken | undefined {
    const exact = this.#tokens.get(tokenKey(audience, wanted));
    if (exact && nowMs < exact.refreshAtMs) return exact;
    let stale = exact;
    for (const [key, entry] of this.#tokens.entries()) {
      if (entry.audience !== audience || !coversScopes(entry.scopes, wanted)) continue;
      if (nowMs < entry.refreshAtMs) return this.#tokens.get(key);
      stale ??= entry;
    }
    return stale;
  }

  put(audience: string, token: CachedToken): void {
    this.#tokens.set(tokenKey(audience, token.scopes), { ...token, audience });
  }

  /** Drops a token that was refused. */
  forget(token: string): void {
    for (const [key, entry] of this.#tokens.entries()) if (entry.token === token) this.#tokens.delete(key);
  }
}

/** Names what a token is fetched for. */
export function tokenKey(audience: string, { scopes }: ScopeSet): string {
  return `${audience}\n${scopes.join(" ")}`;
}
