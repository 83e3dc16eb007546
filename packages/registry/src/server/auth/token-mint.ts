import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { type Access, formatScope, parseScope } from "./access.ts";

/** What a token is good for: requests, or getting other tokens. */
export type TokenKind = "access" | "refresh";

const claimsSchema = z.object({
  kind: z.enum(["access", "refresh"]),
  expiresAtMs: z.number(),
  scope: z.string(),
  nonce: z.string(),
});

/** Makes and reads tokens. They are signed, so nothing is kept of them; they end with the server, or before. */
export class TokenMint {
  readonly #key: Uint8Array = randomBytes(32);

  /** A new token, unlike every other. */
  issue(kind: TokenKind, accesses: readonly Access[], seconds: number): string {
    const expiresAtMs = Date.now() + seconds * 1000;
    const nonce = randomBytes(12).toString("base64url");
    const claims: z.infer<typeof claimsSchema> = { kind, expiresAtMs, scope: formatScope(accesses), nonce };
    const body = Buffer.from(JSON.stringify(claims)).toString("base64url");
    return `${body}.${this.#sign(body).toString("base64url")}`;
  }

  /** What a token gives leave for; `undefined` for one that is forged, of the other kind, or too old. */
  read(kind: TokenKind, token: string): readonly Access[] | undefined {
    const [body = "", signature = "", ...rest] = token.split(".");
    const sent = Buffer.from(signature, "base64url");
    const expected = this.#sign(body);
    if (rest.length > 0 || sent.byteLength !== expected.byteLength || !timingSafeEqual(sent, expected))
      return undefined;
    const claims = claimsSchema.parse(JSON.parse(Buffer.from(body, "base64url").toString())); // our own: it is signed
    return claims.kind === kind && Date.now() < claims.expiresAtMs ? parseScope(claims.scope) : undefined;
  }

  #sign(body: string): Buffer {
    return createHmac("sha256", this.#key).update(body).digest();
  }
}
