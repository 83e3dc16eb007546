import type { Challenge } from "./challenge.ts";
import { type TokenServer, tokenServerOf } from "./token-server.ts";

/** How a registry wants to be shown who asks. */
export type Scheme =
  | { readonly kind: "basic" }
  | {
      readonly kind: "bearer";
      /** Where tokens come from; or why none can be asked for, for people. Who has a token already needs none. */
      readonly server: TokenServer | string;
      /** The leave the refused request lacked, as the registry says. */
      readonly scopes: readonly string[];
    };

/** More scopes of one challenge are not asked for. */
const maxScopes = 64;

// RFC 6749, "Access Token Scope"
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * The best of the offered schemes: Bearer before Basic, which goes before Bearer without a token server that can be asked.
 * A string tells why there is none, for people.
 */
export function chooseScheme(challenges: readonly Challenge[], registry: URL): Scheme | string {
  let serverless: Scheme | undefined;
  for (const challenge of challenges) {
    if (challenge.scheme !== "bearer") continue;
    const server = tokenServerOf(challenge, registry);
    const scopes = scopesOf(challenge);
    if (typeof server !== "string") return { kind: "bearer", server, scopes };
    serverless ??= { kind: "bearer", server: `the registry wants a bearer token, but ${server}`, scopes };
  }
  if (challenges.some(({ scheme }) => scheme === "basic")) return { kind: "basic" };
  if (serverless !== undefined) return serverless;
  const [unknown] = challenges;
  if (unknown === undefined) return "the registry does not say how to prove who asks";
  return `the registry wants the scheme ${JSON.stringify(unknown.scheme.slice(0, 40))}, which this client does not speak`;
}

function scopesOf({ parameters: { scope = "" } }: Challenge): readonly string[] {
  return scope
    .split(/\s+/)
    .filter((one) => scopeToken.test(one))
    .slice(0, maxScopes);
}
