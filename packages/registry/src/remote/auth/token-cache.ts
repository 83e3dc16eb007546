import { LruMap } from "../lru-map.ts";
import { coversScopes, type ScopeSet } from "./scope.ts";

/** A bearer token and what it was asked for. */
export interface CachedToken {
  readonly token: string;
  readonly scopes: ScopeSet;
  /** From then on another one is fetched, on the clock of whoever keeps it. */
  readonly refreshAtMs: number;
  /** When it was asked for, on the same clock. */
  readonly fetchedAtMs: number;
}

interface Entry extends CachedToken {
  readonly audience: string;
  /** When it was last used. */
  usedAtMs: number;
}

const maxTokens = 1000;
const maxRefused = 100;

/** Tokens by audience (who asks which token server for which service) and scopes. */
export class TokenCache {
  readonly #tokens = new LruMap<Entry>(maxTokens);
  /** Tokens that were refused, and when they were last used. */
  readonly #refused = new LruMap<Pick<Entry, "audience" | "usedAtMs">>(maxRefused);

  /**
   * The token to use for `wanted`: the very one, or one that may do more. Where none is fresh at `nowMs`, a stale one
   * tells which scopes proved right.
   */
  find(audience: string, wanted: ScopeSet, nowMs: number): CachedToken | undefined {
    const exact = this.#tokens.get(tokenKey(audience, wanted));
    if (exact && nowMs < exact.refreshAtMs) return used(exact, nowMs);
    let stale = exact;
    for (const [key, entry] of this.#tokens.entries()) {
      if (entry.audience !== audience || !coversScopes(entry.scopes, wanted)) continue;
      if (nowMs < entry.refreshAtMs) return used(this.#tokens.get(key) ?? entry, nowMs);
      stale ??= entry;
    }
    return stale;
  }

  put(audience: string, token: CachedToken): void {
    this.#tokens.set(tokenKey(audience, token.scopes), { ...token, audience, usedAtMs: token.fetchedAtMs });
  }

  /**
   * Drops a token that was refused; and those that were there already when it was used and could serve for `wanted` in its
   * place: whatever ended it, such as a server that was started anew, may have ended them too.
   */
  forget(token: string, wanted: ScopeSet): void {
    for (const [key, entry] of this.#tokens.entries()) {
      if (entry.token !== token) continue;
      this.#refused.set(token, entry);
      this.#tokens.delete(key);
    }
    const refused = this.#refused.get(token);
    if (!refused) return;
    for (const [key, { audience, fetchedAtMs, scopes }] of this.#tokens.entries()) {
      const isAsOld = audience === refused.audience && fetchedAtMs <= refused.usedAtMs;
      if (isAsOld && coversScopes(scopes, wanted)) this.#tokens.delete(key);
    }
  }
}

function used(entry: Entry, nowMs: number): Entry {
  entry.usedAtMs = nowMs;
  return entry;
}

/** Names what a token is fetched for. */
export function tokenKey(audience: string, { scopes }: ScopeSet): string {
  return `${audience}\n${scopes.join(" ")}`;
}
