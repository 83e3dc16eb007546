import type { Exchange } from "../exchange.ts";
import type { ServerAuth } from "./auth-options.ts";
import { basicGuard, basicRefusal } from "./basic-guard.ts";
import { BearerGuard } from "./bearer-guard.ts";
import type { Guard } from "./guard.ts";
import { TokenEndpoint } from "./token-endpoint.ts";
import { TokenMint } from "./token-mint.ts";

/** How a server knows who asks. */
export interface Auth {
  readonly guard: Guard;
  /** Answers `/token`, where the server gives tokens. */
  readonly tokens?: (exchange: Exchange) => Promise<void>;
}

/** `origin`: where clients find the server. Without `auth`, everybody may do everything. */
export function createAuth(auth: ServerAuth | undefined, origin: string): Auth {
  if (!auth) return { guard: { admit: () => () => true, refusal: () => basicRefusal() } };
  if (auth.scheme === "basic") return { guard: basicGuard(auth) };
  const mint = new TokenMint();
  const endpoint = new TokenEndpoint(auth, mint, origin);
  return { guard: new BearerGuard(mint, origin), tokens: (exchange) => endpoint.answer(exchange) };
}
