import { ApiError } from "../api-error.ts";
import type { Exchange } from "../exchange.ts";
import { type Access, formatScope, type Grant } from "./access.ts";
import type { Guard } from "./guard.ts";
import type { TokenMint } from "./token-mint.ts";

/** Wants a token of the server's own. @see RFC 6750, "The WWW-Authenticate Response Header Field" */
export class BearerGuard implements Guard {
  readonly #mint: TokenMint;
  readonly #origin: string;

  /** `origin`: where clients find this server, such as `https://registry.example.com`. */
  constructor(mint: TokenMint, origin: string) {
    this.#mint = mint;
    this.#origin = origin;
  }

  admit(exchange: Exchange, wanted: readonly Access[]): Grant {
    const [, token] = /^bearer +(\S+)$/i.exec(exchange.header("authorization") ?? "") ?? [];
    const granted = token === undefined ? undefined : this.#mint.read("access", token);
    if (!granted) throw this.refusal(exchange, wanted);
    const keys = new Set(granted.map(keyOf));
    const grant: Grant = (access) => keys.has(keyOf(access));
    if (wanted.every(grant)) return grant;
    throw this.#refusal(wanted, "DENIED", "insufficient_scope");
  }

  refusal(exchange: Exchange, wanted: readonly Access[]): ApiError {
    const error = exchange.header("authorization") === undefined ? undefined : "invalid_token";
    return this.#refusal(wanted, "UNAUTHORIZED", error);
  }

  #refusal(wanted: readonly Access[], code: "UNAUTHORIZED" | "DENIED", error: string | undefined): ApiError {
    const parameters = {
      realm: `${this.#origin}/token`,
      service: serviceOf(this.#origin),
      scope: formatScope(wanted) || undefined,
      error,
    };
    const words = Object.entries(parameters).filter(([, value]) => value !== undefined);
    const challenge = `Bearer ${words.map(([name, value]) => `${name}="${value}"`).join(",")}`;
    const message = code === "DENIED" ? "the token is not for this" : "a token is required";
    return new ApiError(401, code, message, { "www-authenticate": challenge });
  }
}

/** What a server calls itself towards its token server: host and port. */
export function serviceOf(origin: string): string {
  return new URL(origin).host;
}

function keyOf({ type, name, action }: Access): string {
  return `${type}:${name}:${action}`;
}
