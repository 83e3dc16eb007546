import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setDefaultCACertificates } from "node:tls";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MediaType } from "../oci/media-type.ts";
import { aBlob, anImage } from "../testing/index.ts";
import { createRegistry, type RemoteRegistry } from "./create-registry.ts";

const password = "pa55word-of-the-test";
const username = "robot";
const token = "t0ken-of-the-test";
const refreshToken = "refr3sh-of-the-test";
const basic = Buffer.from(`${username}:${password}`).toString("base64");

/** Every form in which a secret could travel or be printed. */
const secrets = [password, token, refreshToken, basic, encodeURIComponent(password)];

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A server that remembers everything it is sent, and who it was sent for. */
class Listener {
  readonly received: { readonly origin: string; readonly text: string }[] = [];
  handler: Handler = (_request, response) => response.writeHead(404).end();
  readonly port: number;
  readonly #close: () => Promise<void>;

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  static async start(certificate?: { readonly cert: string; readonly key: string }): Promise<Listener> {
    const accept = (request: IncomingMessage, response: ServerResponse) => void listener.#accept(request, response);
    const server = certificate ? createHttpsServer(certificate, accept) : createHttpServer(accept);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const listener = new Listener(address.port, async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    });
    return listener;
  }

  async #accept(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const scheme = "encrypted" in request.socket ? "https" : "http";
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const headers = request.rawHeaders.join("\n");
    this.received.push({
      origin: `${scheme}://${request.headers.host}`,
      text: `${request.method} ${request.url}\n${headers}\n${body}`,
    });
    this.handler(request, response, body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

const openssl = "openssl"; // of the machine, not of a package
const isInstalled = spawnSync(openssl, ["version"]).status === 0;
if (!isInstalled) console.warn("remote/credential-leaks: skipped, openssl is not installed");

let certificate: { readonly cert: string; readonly key: string };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "credential-leaks-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  if (!isInstalled) return;
  execFileSync(openssl, [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", cert, "-keyout", key],
  ]);
  certificate = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  // A thousand clients each read the machine's few hundred authorities, and need none of them.
  Object.assign(process.env, { SSL_CERT_FILE: cert, SSL_CERT_DIR: folder });
  setDefaultCACertificates([]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const image = anImage({ tag: "v1" });
const blob = aBlob({ size: 3000 });
const digest = image.manifest.descriptor.digest;

/** A way in which a registry can lead its client elsewhere: which of its answers says `to`, and the call that follows. */
interface Lead {
  readonly name: string;
  /** Answers in the registry's own place, once the client has proven who it is; `undefined` for what it leaves alone. */
  readonly answer: (
    request: IncomingMessage,
    to: string,
  ) => { status: number; headers?: Record<string, string>; body?: string } | undefined;
  readonly call: (registry: RemoteRegistry) => Promise<unknown>;
}

const all = async (items: AsyncIterable<unknown>) => {
  for await (const _item of items);
};

const app = (registry: RemoteRegistry) => registry.repository("app");
const openBlob = async function* (offset: number) {
  yield blob.bytes.slice(offset);
};
const pushBlob = (registry: RemoteRegistry) => app(registry).pushBlob(blob, openBlob, { mountFrom: ["other"] });

/** Redirects what matches. */
function redirecting(status: number, method: string, path: RegExp, call: Lead["call"]): Lead {
  return {
    name: `${status} to a ${method} of ${path.source}`,
    answer: (request, to) =>
      request.method === method && path.test(request.url ?? "")
        ? { status, headers: { location: `${to}/elsewhere?x=1` } }
        : undefined,
    call,
  };
}

const uploads = /\/blobs\/uploads\//;

const leads: readonly Lead[] = [
  ...[301, 302, 303, 307, 308].map((status) =>
    redirecting(status, "GET", /\/manifests\//, (registry) => app(registry).manifest(digest)),
  ),
  redirecting(307, "HEAD", /\/manifests\//, (registry) => app(registry).resolve("v1")),
  redirecting(302, "GET", /\/blobs\/sha256/, (registry) => all(app(registry).fetchBlob(blob))),
  redirecting(307, "HEAD", /\/blobs\//, (registry) => app(registry).statBlob(blob.digest)),
  redirecting(307, "GET", /\/tags\//, (registry) => all(app(registry).tags())),
  redirecting(307, "GET", /_catalog/, (registry) => all(registry.repositories())),
  redirecting(307, "GET", /\/referrers\//, (registry) => all(app(registry).referrers(digest))),
  redirecting(307, "POST", uploads, pushBlob),
  redirecting(307, "PUT", /session/, pushBlob),
  redirecting(307, "PUT", /\/manifests\//, (registry) => app(registry).pushManifest(image.manifest, { tags: ["v1"] })),
  redirecting(307, "DELETE", /\/manifests\//, (registry) => app(registry).deleteManifest(digest)),
  {
    name: "the Location of an upload",
    answer: ({ method, url = "" }, to) =>
      method === "POST" && uploads.test(url)
        ? { status: 202, headers: { location: `${to}/upload?state=1` } }
        : undefined,
    call: pushBlob,
  },
  {
    name: "the Location of an upload, with user info",
    answer: ({ method, url = "" }, to) =>
      method === "POST" && uploads.test(url)
        ? { status: 202, headers: { location: `${to.replace("//", "//you:me@")}/upload` } }
        : undefined,
    call: pushBlob,
  },
  ...[
    {
      name: "tags",
      path: /\/tags\/list/,
      body: '{"name":"app","tags":["a"]}',
      call: (r: RemoteRegistry) => all(app(r).tags()),
    },
    {
      name: "repositories",
      path: /_catalog/,
      body: '{"repositories":["app"]}',
      call: (r: RemoteRegistry) => all(r.repositories()),
    },
    {
      name: "referrers",
      path: /\/referrers\//,
      body: '{"schemaVersion":2,"manifests":[]}',
      call: (r: RemoteRegistry) => all(app(r).referrers(digest)),
    },
  ].map(
    ({ name, path, body, call }): Lead => ({
      name: `the Link of a list of ${name}`,
      answer: ({ url = "" }, to) =>
        path.test(url)
          ? {
              status: 200,
              headers: { link: `<${to}${url}&last=a>; rel="next"`, "content-type": MediaType.ociIndex },
              body,
            }
          : undefined,
      call,
    }),
  ),
];

/** Where it leads, seen from the registry. */
const places = ["another port", "another name", "the same name without TLS", "another port with TLS"] as const;

/** What is said there. */
const welcomes = ["404", "Basic challenge", "Bearer challenge", "redirect back"] as const;

/** How the registry wants its client to prove who it is. */
const schemes = ["basic", "bearer", "refresh"] as const;

interface Scene {
  readonly lead: Lead;
  readonly place: (typeof places)[number];
  readonly welcome: (typeof welcomes)[number];
  readonly scheme: (typeof schemes)[number];
}

/** Plays a scene and gives all that was heard where no secret belongs, and all that was told to the caller. */
async function play({ lead, place, welcome, scheme }: Scene): Promise<{ heard: string; told: string; proven: number }> {
  await using registry = await Listener.start(place.includes("TLS") ? certificate : undefined);
  await using elsewhere = await Listener.start(place === "another port with TLS" ? certificate : undefined);
  await using tokens = await Listener.start(place.includes("TLS") ? certificate : undefined);
  const secure = place.includes("TLS") ? "https" : "http";
  const own = `${secure}://127.0.0.1:${registry.port}`;
  const realm = `${secure}://127.0.0.1:${tokens.port}/token`;
  const to = {
    "another port": `http://127.0.0.1:${elsewhere.port}`,
    "another name": `http://localhost:${registry.port}`,
    "the same name without TLS": `http://127.0.0.1:${elsewhere.port}`,
    "another port with TLS": `https://127.0.0.1:${elsewhere.port}`,
  }[place];
  let proven = 0;
  const welcomed: Handler = (request, response) => {
    if (welcome === "redirect back") response.writeHead(307, { location: `${own}/v2/app/back` }).end();
    else if (welcome === "404") response.writeHead(404).end();
    else {
      const challenge =
        welcome === "Basic challenge"
          ? 'Basic realm="elsewhere"'
          : `Bearer realm="${to}/token",service="elsewhere",scope="repository:app:pull"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
    }
    request.resume();
  };
  elsewhere.handler = welcomed;
  tokens.handler = (_request, response) => {
    const body = { token, access_token: token, refresh_token: refreshToken, expires_in: 300 };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  registry.handler = (request, response, body) => {
    if (request.headers.host !== new URL(own).host) return welcomed(request, response, body);
    const wanted = scheme === "basic" ? `Basic ${basic}` : `Bearer ${token}`;
    if (request.headers.authorization !== wanted) {
      const challenge = scheme === "basic" ? 'Basic realm="own"' : `Bearer realm="${realm}",service="own"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return;
    }
    proven += 1;
    const answer = lead.answer(request, to) ?? ownAnswer(request);
    response.writeHead(answer.status, answer.headers).end(request.method === "HEAD" ? undefined : answer.body);
  };
  const told: unknown[] = [];
  await using client = createRegistry(`127.0.0.1:${registry.port}`, {
    credentials: scheme === "refresh" ? { identityToken: refreshToken } : { username, password },
    insecure: secure === "http",
    ca: certificate.cert,
    attempts: 1,
    onEvent: (event) => told.push(event),
  });
  await lead.call(client).catch((error: unknown) => told.push(error));
  const heard = [...registry.received, ...elsewhere.received].filter(({ origin }) => origin !== own);
  return {
    heard: heard.map(({ origin, text }) => `${origin}\n${text}`).join("\n\n"),
    told: told.map((one) => `${inspect(one, { depth: 12, showHidden: true })} ${JSON.stringify(one)}`).join("\n"),
    proven,
  };
}

/** The registry's own answers to what a lead leaves alone. */
function ownAnswer({ method, url = "" }: IncomingMessage): ReturnType<Lead["answer"]> & {} {
  if (method === "POST") return { status: 202, headers: { location: "/v2/app/blobs/uploads/session" } };
  return { status: 404, headers: {}, body: url };
}

describe.skipIf(!isInstalled).for(schemes)("with %s credentials", (scheme) => {
  describe.for(places)("a registry that leads to %s", (place) => {
    test.for(leads)("by $name gives no secret away, nor does the client tell one", async (lead) => {
      for (const welcome of welcomes) {
        const { heard, told, proven } = await play({ lead, place, welcome, scheme });
        expect(proven, "the registry itself was shown who asks").toBeGreaterThan(0);
        for (const secret of secrets) {
          expect(heard).not.toContain(secret);
          expect(told).not.toContain(secret);
        }
      }
    });
  });
});

test.for(schemes)("with %s credentials, what a registry says back of them is not told", async (scheme) => {
  await using registry = await Listener.start();
  const own = `http://127.0.0.1:${registry.port}`;
  let echo: Handler = () => {};
  registry.handler = (request, response, body) => {
    const { authorization, host } = request.headers;
    if (request.url?.startsWith("/token")) {
      response.end(JSON.stringify({ token, refresh_token: refreshToken, expires_in: 300 }));
    } else if (authorization === undefined) {
      const challenge = scheme === "basic" ? 'Basic realm="own"' : `Bearer realm="http://${host}/token"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
    } else echo(request, response, body);
  };
  const said = (request: IncomingMessage) => request.headers.authorization?.replace(/^\S+ /, "") ?? "";
  const echoes: readonly Handler[] = [
    (request, response) => {
      const pair = Buffer.from(said(request), "base64").toString();
      const errors = [{ code: said(request), message: `you sent ${said(request)}, which is ${pair}` }];
      response.writeHead(403).end(JSON.stringify({ errors }));
    },
    (request, response) => response.writeHead(404, { warning: `299 - "${said(request)} is old"` }).end(),
    (request, response) => response.socket?.end(`HTTP/1.1 200 OK\r\nbad header ${said(request)}\r\n\r\n`),
    (request, response) => response.writeHead(401, { "www-authenticate": said(request).replace(/=+$/, "") }).end(),
    (request, response) => {
      const realm = `http://192.0.2.1/${said(request)}`;
      response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
    },
  ];
  for (echo of echoes) {
    const told: unknown[] = [];
    await using client = createRegistry(new URL(own).host, {
      credentials: scheme === "refresh" ? { identityToken: refreshToken } : { username, password },
      attempts: 1,
      onEvent: (event) => told.push(event),
    });
    told.push(
      await app(client)
        .manifest("v1")
        .catch((error: unknown) => error),
    );
    const text = told
      .map((one) => `${inspect(one, { depth: 12, showHidden: true })} ${JSON.stringify(one)}`)
      .join("\n");
    for (const secret of [...secrets, basic.replace(/=+$/, "")]) expect(text).not.toContain(secret);
  }
});

test.skipIf(!isInstalled)(
  "the matrix leads somewhere: without TLS, another host does hear of the request",
  async () => {
    const lead = leads.find(({ name }) => name.startsWith("307 to a GET of \\/tags")) ?? expect.fail("no such lead");
    const { heard } = await play({ lead, place: "another port", welcome: "404", scheme: "basic" });
    expect(heard).toContain("GET /elsewhere");
  },
);
