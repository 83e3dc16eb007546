import { methodNotAllowed } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";

/** `GET /v2/`: whether this speaks the protocol. @see distribution-spec v1.1.1, "Determining Support" */
export async function answerBase(exchange: Exchange): Promise<void> {
  if (exchange.method !== "GET" && exchange.method !== "HEAD") throw methodNotAllowed("GET", "HEAD");
  await exchange.sendJson(200, {}, {});
}
