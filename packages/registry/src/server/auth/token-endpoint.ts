import { ApiError, methodNotAllowed } from "../api-error.ts";
import type { Exchange } from "../exchange.ts";
import { type Access, formatScope, parseScope } from "./access.ts";
import type { ServerAuth } from "./auth-options.ts";
import { basicRefusal } from "./basic-guard.ts";
import { serviceOf } from "./bearer-guard.ts";
import { isBasicOf, isSame } from "./credentials.ts";
import type { TokenMint } from "./token-mint.ts";

const maxFormBytes = 64 * 1024;
/** A token has to fit into a header. */
const maxScopeLength = 4096;
const refreshSeconds = 24 * 60 * 60;

/** Who asks for a token. */
type Caller = "user" | "anonymous";

/**
 * The server's own token server: `GET` with Basic credentials or none, `POST` with OAuth2's grants `password` and
 * `refresh_token`.
 * @see distribution "Token Authentication Specification" and "OAuth2 Token Authentication"
 */
export class TokenEndpoint {
  readonly #auth: ServerAuth;
  readonly #mint: TokenMint;
  readonly #service: string;

  constructor(auth: ServerAuth, mint: TokenMint, origin: string) {
    this.#auth = auth;
    this.#mint = mint;
    this.#service = serviceOf(origin);
  }

  async answer(exchange: Exchange): Promise<void> {
    if (exchange.method === "POST") return await this.#post(exchange);
    if (exchange.method !== "GET") throw methodNotAllowed("GET", "POST");
    const { query } = exchange;
    const caller = this.#callerOf(exchange.header("authorization"));
    const isOffline = query.get("offline_token") === "true";
    const { token, ...answer } = this.#grant(caller, query, isOffline);
    await send(exchange, { token, access_token: token, ...answer });
  }

  async #post(exchange: Exchange): Promise<void> {
    const form = new URLSearchParams(new TextDecoder().decode(await exchange.readBody(maxFormBytes)));
    this.#proveUser(form);
    const { token, ...answer } = this.#grant("user", form, form.get("access_type") === "offline");
    await send(exchange, { access_token: token, ...answer });
  }

  #callerOf(authorization: string | undefined): Caller {
    if (authorization === undefined && this.#auth.anonymous === "pull") return "anonymous";
    if (authorization !== undefined && isBasicOf(this.#auth.credentials, authorization)) return "user";
    throw basicRefusal();
  }

  /** @throws ApiError `UNAUTHORIZED` */
  #proveUser(form: URLSearchParams): void {
    const grantType = form.get("grant_type");
    const given = { username: form.get("username") ?? "", password: form.get("password") ?? "" };
    if (grantType === "password") {
      if (isSame(given, this.#auth.credentials)) return;
    } else if (grantType === "refresh_token") {
      if (this.#mint.read("refresh", form.get("refresh_token") ?? "")) return;
    } else throw new ApiError(400, "UNSUPPORTED", "grants are password and refresh_token");
    throw basicRefusal();
  }

  #grant(caller: Caller, parameters: URLSearchParams, isOffline: boolean) {
    const service = parameters.get("service");
    if (service !== null && service !== this.#service) {
      throw new ApiError(400, "UNSUPPORTED", "tokens are for this registry only");
    }
    const scope = parameters.getAll("scope").join(" ");
    if (scope.length > maxScopeLength) throw new ApiError(400, "UNSUPPORTED", "too many scopes in one token");
    const granted = parseScope(scope).filter(allowedTo(caller));
    const seconds = this.#auth.tokenSeconds ?? 300;
    return {
      token: this.#mint.issue("access", granted, seconds),
      scope: formatScope(granted),
      expires_in: seconds,
      issued_at: new Date().toISOString(),
      ...(isOffline && caller === "user" ? { refresh_token: this.#mint.issue("refresh", [], refreshSeconds) } : {}),
    };
  }
}

function allowedTo(caller: Caller): (access: Access) => boolean {
  return ({ action }) => caller === "user" || action === "pull";
}

async function send(exchange: Exchange, answer: object): Promise<void> {
  await exchange.sendJson(200, { "cache-control": "no-store" }, answer);
}
