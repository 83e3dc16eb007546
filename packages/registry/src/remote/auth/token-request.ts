import { type Operation, printableUrl, protocolError } from "../operation.ts";
import { basicHeader } from "./basic.ts";
import type { Identity } from "./identity.ts";
import { type IssuedToken, parseIssuedToken } from "./issued-token.ts";
import type { ScopeSet } from "./scope.ts";
import { askTokenServer, type TokenAnswer, type TokenWire } from "./token-exchange.ts";
import type { TokenServer } from "./token-server.ts";

/** Which token is wanted, of whom, and for whom. */
export interface TokenRequest {
  /** The registry as the user wrote it. */
  readonly host: string;
  readonly server: TokenServer;
  readonly scopes: ScopeSet;
  readonly identity: Identity;
}

const clientId = "tranship";

/**
 * Fetches a token: by `GET` with a password or as nobody, by `POST` with a refresh token, and with a password where the
 * server knows no `GET`. A string tells, for people, why this server gives none to who asks.
 * @throws RegistryError see {@link askTokenServer}: what is wrong with the server or the way there, not with who asks
 * @see distribution, "Token Authentication Specification" and "Oauth2 Token Authentication"
 */
export async function requestToken(
  wire: TokenWire,
  request: TokenRequest,
  signal: AbortSignal,
): Promise<IssuedToken | string> {
  const { identity, server } = request;
  if (identity.credentials !== undefined && !server.isSafe) {
    return `the token server ${printableUrl(server.url)} is without TLS and on another host: it does not get the credentials`;
  }
  const answer = await new TokenErrand(wire, request, signal).run();
  if (answer.status >= 400) return refusalOf(answer, request);
  const issued = parseIssuedToken(answer.body);
  if (typeof issued === "string") throw protocolError(operationOf(request), issued);
  if (issued.refreshToken !== undefined && identity.credentials !== undefined) {
    identity.refreshTokens.set(serverKey(server), issued.refreshToken);
  }
  return issued;
}

/** Names a token server and what is asked there. */
export function serverKey({ url, service }: TokenServer): string {
  return `${url.href}\n${service ?? ""}`;
}

class TokenErrand {
  readonly #wire: TokenWire;
  readonly #request: TokenRequest;
  readonly #signal: AbortSignal;

  constructor(wire: TokenWire, request: TokenRequest, signal: AbortSignal) {
    this.#wire = wire;
    this.#request = request;
    this.#signal = signal;
  }

  async run(): Promise<TokenAnswer> {
    const { identity, server } = this.#request;
    const key = serverKey(server);
    const refreshToken = identity.refreshTokens.get(key);
    if (refreshToken !== undefined) {
      const answer = await this.#refresh(refreshToken);
      if (answer.status < 400) return answer;
      identity.refreshTokens.delete(key); // withdrawn, or grown old: the credentials it came from may still do
    }
    const { credentials } = identity;
    if (credentials !== undefined && "identityToken" in credentials) return this.#refresh(credentials.identityToken);
    if (credentials === undefined || !("password" in credentials)) return this.#get();
    const { username, password } = credentials;
    if (identity.formOnly !== key) {
      const answer = await this.#get(basicHeader(credentials));
      if (answer.status !== 404 && answer.status !== 405) return answer;
    }
    const answer = await this.#post({ grant_type: "password", access_type: "offline", username, password });
    if (answer.status < 400) identity.formOnly = key;
    return answer;
  }

  #refresh(refreshToken: string): Promise<TokenAnswer> {
    return this.#post({ grant_type: "refresh_token", refresh_token: refreshToken });
  }

  #get(authorization?: string): Promise<TokenAnswer> {
    const { server, scopes } = this.#request;
    const url = new URL(server.url);
    if (server.service !== undefined) url.searchParams.set("service", server.service);
    for (const scope of scopes.scopes) url.searchParams.append("scope", scope);
    return askTokenServer(this.#wire, { url, operation: operationOf(this.#request), authorization }, this.#signal);
  }

  #post(grant: Readonly<Record<string, string>>): Promise<TokenAnswer> {
    const { server, scopes } = this.#request;
    const form = new URLSearchParams({ client_id: clientId, ...grant });
    if (server.service !== undefined) form.set("service", server.service);
    if (scopes.scopes.length > 0) form.set("scope", scopes.scopes.join(" "));
    const request = { url: server.url, operation: operationOf(this.#request), form };
    return askTokenServer(this.#wire, request, this.#signal);
  }
}

function operationOf({ host, server }: TokenRequest): Operation {
  return { registry: server.url.host, reference: host, what: `get a token for ${host} from ${server.url.host}` };
}

/** Any 4xx: also a 404 must not look as if the content were missing. */
function refusalOf({ status }: TokenAnswer, { server, identity }: TokenRequest): string {
  const name = `the token server ${server.url.host}`;
  if (identity.credentials === undefined) return `${name} gives nothing to a client without credentials: ${status}`;
  return `${name} refused the credentials: ${status}`;
}
