import { createHash, timingSafeEqual } from "node:crypto";
import { ApiError } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";

/** User name and password of HTTP's Basic scheme. */
export interface BasicCredentials {
  readonly username: string;
  readonly password: string;
}

/** `GET /v2/`: whether this speaks the protocol. @see distribution-spec v1.1.1, "Determining Support" */
export async function answerBase(exchange: Exchange): Promise<void> {
  await exchange.sendJson(200, {}, {});
}

/**
 * Lets a request pass that carries the right credentials.
 * @throws ApiError `UNAUTHORIZED`
 */
export function authorize(exchange: Exchange, { username, password }: BasicCredentials): void {
  const [, sent = ""] = /^basic +(\S+)$/i.exec(exchange.header("authorization") ?? "") ?? [];
  const expected = Buffer.from(`${username}:${password}`).toString("base64");
  if (timingSafeEqual(hash(sent), hash(expected))) return;
  throw unauthorized();
}

/** The refusal of a request that brings no credentials, or wrong ones. */
export function unauthorized(): ApiError {
  const challenge = { "www-authenticate": 'Basic realm="registry", charset="UTF-8"' };
  return new ApiError(401, "UNAUTHORIZED", "credentials are required", challenge);
}

/** Hashed, so that two texts of any lengths take the same time to compare. */
function hash(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
