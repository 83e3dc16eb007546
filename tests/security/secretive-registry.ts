import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { TestRegistry } from "@tranship/registry/testing";

const mark = (what: string) => `S3cr3t-${what}-f00dcafe`;

/** Secrets of every kind that a run meets, none of which is anywhere else. */
export const secrets = {
  username: "robot",
  password: mark("password"),
  license: mark("license"),
  /** A bearer token. */
  token: mark("bearer"),
  /** An identity token, by which bearer tokens are had. */
  refresh: mark("refresh"),
  cookie: mark("cookie"),
  /** Of the query of a storage URL that a blob's request is redirected to. */
  signature: mark("signature"),
  /** Of the query of the address that an upload goes on at. */
  upload: mark("upload"),
  /** Of the address of a proxy. */
  proxy: mark("proxy"),
  /** What a private key's file holds. */
  key: mark("key"),
  /** User info of an address that was typed. */
  userInfo: mark("userinfo"),
  /** Of the query of a file's URL in a manifest. */
  query: mark("query"),
} as const;

/** What no output, file or error may hold: the secrets, and the forms they travel in. */
export const tellTales: readonly string[] = Object.entries(secrets).flatMap(([name, secret]) =>
  name === "username"
    ? []
    : [secret, Buffer.from(`${secrets.username}:${secret}`).toString("base64"), encodeURIComponent(`:${secret}@`)],
);

/** How the front misbehaves; by default it does not. */
export interface Mischief {
  /** Answers to what it names, in place of the registry's. */
  answer?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
}

/**
 * A registry with a login, in front of one without: it wants a bearer token that its token service gives for a password or an
 * identity token, sets a cookie with each answer, sends who reads a blob to a signed URL of another server, and who uploads one to
 * an address with a state in its query.
 */
export class SecretiveRegistry implements AsyncDisposable {
  readonly host: string;
  /** Requests that came with the right token: that the secrets were in play. */
  proven = 0;
  /** Requests to signed URLs. */
  signed = 0;
  readonly mischief: Mischief = {};
  readonly #servers: readonly Server[];

  private constructor(host: string, servers: readonly Server[]) {
    this.host = host;
    this.#servers = servers;
  }

  static async start(inner: TestRegistry): Promise<SecretiveRegistry> {
    const storage = createServer((from, to) => {
      const url = new URL(from.url ?? "", "http://storage");
      if (url.searchParams.get("X-Signature") !== secrets.signature) {
        to.writeHead(403).end();
        return;
      }
      front.signed += 1;
      forward(inner.host, { method: from.method, url: url.pathname, headers: from.headers }, from, to);
    });
    const registry = createServer((from, to) => front.#serve(inner.host, storageHost, from, to));
    const storageHost = await listening(storage);
    const front = new SecretiveRegistry(await listening(registry), [storage, registry]);
    return front;
  }

  #serve(inner: string, storage: string, from: IncomingMessage, to: ServerResponse): void {
    to.setHeader("set-cookie", `session=${secrets.cookie}; Path=/; HttpOnly`);
    const url = new URL(from.url ?? "", `http://${this.host}`);
    if (this.mischief.answer?.(from, to)) {
      from.resume();
      return;
    }
    if (url.pathname === "/token") {
      this.#giveToken(from, to);
      return;
    }
    if (from.headers.authorization !== `Bearer ${secrets.token}`) {
      const challenge = `Bearer realm="http://${this.host}/token",service="secretive",scope="repository:any:pull,push"`;
      to.writeHead(401, { "www-authenticate": challenge, "content-type": "application/json" });
      to.end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "who asks?" }] }));
      from.resume();
      return;
    }
    this.proven += 1;
    if (from.method === "GET" && /\/blobs\/sha256:/.test(url.pathname)) {
      to.writeHead(307, { location: `http://${storage}${url.pathname}?X-Signature=${secrets.signature}` }).end();
      return;
    }
    if (url.searchParams.get("_state") === secrets.upload) url.searchParams.delete("_state");
    forward(inner, { method: from.method, url: url.pathname + url.search, headers: from.headers }, from, to);
  }

  #giveToken(from: IncomingMessage, to: ServerResponse): void {
    let body = "";
    from.on("data", (chunk) => {
      body += chunk;
    });
    from.on("end", () => {
      const basic = Buffer.from(`${secrets.username}:${secrets.password}`).toString("base64");
      const license = Buffer.from(`license-token:${secrets.license}`).toString("base64");
      const known = [`Basic ${basic}`, `Basic ${license}`].includes(from.headers.authorization ?? "");
      const isRefreshed = new URLSearchParams(body).get("refresh_token") === secrets.refresh;
      const answer = {
        token: secrets.token,
        access_token: secrets.token,
        refresh_token: secrets.refresh,
        expires_in: 300,
      };
      to.writeHead(known || isRefreshed ? 200 : 401, { "content-type": "application/json" });
      to.end(JSON.stringify(known || isRefreshed ? answer : { details: "no such user" }));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }
  }
}

/** Passes a request on, and its answer back; where an upload goes on gets a state into its query. */
function forward(
  host: string,
  { method = "GET", url = "/", headers }: Pick<IncomingMessage, "method" | "url" | "headers">,
  from: IncomingMessage,
  to: ServerResponse,
): void {
  const { authorization: _, host: __, ...rest } = headers;
  const [hostname, port] = host.split(":");
  const onward = request({ hostname, port, method, path: url, headers: { ...rest, host } }, (answer) => {
    const { location, ...others } = answer.headers;
    const next = location === undefined ? undefined : new URL(location, `http://${host}`);
    if (next && /\/uploads\//.test(next.pathname)) next.searchParams.set("_state", secrets.upload);
    to.writeHead(answer.statusCode ?? 500, { ...others, ...(next && { location: next.pathname + next.search }) });
    answer.pipe(to);
  });
  onward.on("error", () => to.destroy());
  from.pipe(onward);
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `127.0.0.1:${address.port}`;
}
