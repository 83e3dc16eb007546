import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import { Agent } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import type { RegistryErrorCode } from "../../errors.ts";
import { expectCode } from "../../testing/contract-support.ts";
import { exchange } from "../exchange.ts";
import { headerOf } from "../headers.ts";
import type { Authenticator, CredentialProvider, Credentials } from "./authenticator.ts";
import { parseChallenges } from "./challenge.ts";
import { type AuthenticatorParts, createAuthenticator } from "./create-authenticator.ts";

const password: Credentials = { username: "robot", password: "pa55:word" };
const basic = `Basic ${Buffer.from("robot:pa55:word").toString("base64")}`;
const pull = ["repository:app:pull"];
const pushPull = ["repository:app:pull,push"];

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly form: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
  /** Settles when the client is gone. */
  readonly closed: Promise<unknown>;
}

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

interface Peer {
  readonly url: URL;
  readonly asked: readonly Asked[];
}

async function serve(answer: (asked: Asked) => Answer | Promise<Answer>): Promise<Peer> {
  const all: Asked[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    void (async () => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://host");
      const form = Object.fromEntries(new URLSearchParams(await text(request)));
      const { method = "", headers } = request;
      const closed = once(response, "close");
      const asked = { method, path: pathname, query: searchParams, form, authorization: headers.authorization, closed };
      all.push(asked);
      const { status = 200, headers: answered = {}, json = {} } = await answer(asked);
      response.writeHead(status, answered).end(typeof json === "string" ? json : JSON.stringify(json));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), asked: all };
}

/** A token server that gives `t1`, `t2`, … */
function serveTokens(extra: Readonly<Record<string, unknown>> = {}): Promise<Peer> {
  let count = 0;
  return serve(() => {
    count += 1;
    return { json: { token: `t${count}`, ...extra } };
  });
}

interface RegistryRules {
  readonly challenge: string;
  /** @defaultValue any bearer token */
  readonly accepts?: (authorization: string | undefined) => boolean;
}

function serveRegistry({ challenge, accepts = (sent = "") => sent.startsWith("Bearer ") }: RegistryRules) {
  return serve(({ authorization }) =>
    accepts(authorization) ? {} : { status: 401, headers: { "www-authenticate": challenge } },
  );
}

function bearerOf(tokens: Peer, scope?: string): string {
  const more = scope === undefined ? "" : `,scope="${scope}"`;
  return `Bearer realm="${new URL("/token", tokens.url)}",service="the registry"${more}`;
}

function aDispatcher(): Agent {
  const agent = new Agent();
  onTestFinished(() => agent.destroy());
  return agent;
}

function anAuthenticator(registry: { readonly url: URL }, parts: Partial<AuthenticatorParts> = {}): Authenticator {
  return createAuthenticator({
    host: registry.url.host,
    origin: registry.url,
    dispatcher: aDispatcher(),
    idleTimeoutMs: 20_000,
    userAgent: "tests",
    ...parts,
  });
}

/** Asks a registry as the client does: again after a 401 when the authenticator thinks it is worth it. */
async function call(authenticator: Authenticator, registry: Peer, scopes: readonly string[], signal?: AbortSignal) {
  const dispatcher = aDispatcher();
  const operation = { registry: "host", reference: "host/app", what: "ask" };
  const ask = async () => {
    const sent = await authenticator.authorization({ scopes }, signal);
    const headers = sent === undefined ? {} : { authorization: sent };
    const request = { method: "GET", url: registry.url, headers, operation, idleTimeoutMs: 20_000 } as const;
    const head = await exchange(dispatcher, request, () => () => {});
    return { status: head.status, sent, challenges: parseChallenges(headerOf(head.headers, "www-authenticate")) };
  };
  const first = await ask();
  if (first.status !== 401) return { status: first.status, hint: undefined };
  const { tryAgain, hint } = await authenticator.challenged({ ...first, scopes }, signal);
  return tryAgain ? { status: (await ask()).status, hint } : { status: 401, hint };
}

const authorizations = ({ asked }: Peer) => asked.map(({ authorization }) => authorization);
const scopesOf = ({ asked }: Peer) => asked.map(({ query }) => query.getAll("scope"));

describe("with Basic", () => {
  const rules = { challenge: 'Basic realm="registry"', accepts: (sent: string | undefined) => sent === basic };

  test("the password is sent after the first challenge only, and with every request from then on", async () => {
    const registry = await serveRegistry(rules);
    const authenticator = anAuthenticator(registry, { credentials: password });
    expect(await call(authenticator, registry, pull)).toMatchObject({ status: 200 });
    expect(await call(authenticator, registry, pushPull)).toMatchObject({ status: 200 });
    expect(authorizations(registry)).toEqual([undefined, basic, basic]);
  });

  test.for<{ name: string; credentials: Credentials | undefined; hint: RegExp; requests: number }>([
    { name: "nobody", credentials: undefined, hint: /no credentials were given/, requests: 1 },
    { name: "an identity token", credentials: { identityToken: "x" }, hint: /wants a user name/, requests: 1 },
    { name: "an access token", credentials: { accessToken: "x" }, hint: /wants a user name/, requests: 1 },
    { name: "a wrong password", credentials: { username: "a", password: "b" }, hint: /refused the cred/, requests: 2 },
  ])("$name is not let in, and the reason is told", async ({ credentials, hint, requests }) => {
    const registry = await serveRegistry(rules);
    const authenticator = anAuthenticator(registry, { credentials });
    const first = await call(authenticator, registry, pull);
    const answer = first.hint === undefined ? await call(authenticator, registry, pull) : first;
    expect(answer).toEqual({ status: 401, hint: expect.stringMatching(hint) });
    expect(registry.asked.length).toBeGreaterThanOrEqual(requests);
  });

  test.for<[string, RegExp]>([
    ['Negotiate, Digest realm="x"', /scheme "negotiate"/],
    ["", /does not say/],
    ["Bearer", /wants a bearer token, but its realm is no HTTP URL/],
  ])("a registry that wants %j is not understood, and that is told", async ([challenge, hint]) => {
    const registry = await serveRegistry({ challenge });
    const answer = await call(anAuthenticator(registry, { credentials: password }), registry, pull);
    expect(answer).toEqual({ status: 401, hint: expect.stringMatching(hint) });
    expect(authorizations(registry).every((sent) => sent === undefined)).toBe(true);
  });

  test.for<Credentials>([
    { username: "a:b", password: "x" },
    { accessToken: "x\r\ny: z" },
    { accessToken: "" },
    { identityToken: "" },
    {} as Credentials,
  ])("credentials that cannot be sent are refused at once: %j", (credentials) => {
    const registry = { url: new URL("http://127.0.0.1:1/") };
    expect(() => anAuthenticator(registry, { credentials })).toThrow(
      expect.objectContaining({ code: "CREDENTIALS_UNUSABLE" }),
    );
  });
});

describe("a bearer token", () => {
  test("is fetched without credentials when there are none, for the service and scopes of the challenge", async () => {
    const tokens = await serveTokens();
    const registry = await serveRegistry({ challenge: bearerOf(tokens, "repository:app:pull") });
    expect(await call(anAuthenticator(registry), registry, pull)).toMatchObject({ status: 200 });
    expect(authorizations(registry)).toEqual([undefined, "Bearer t1"]);
    expect(tokens.asked).toMatchObject([{ method: "GET", path: "/token", authorization: undefined }]);
    expect(tokens.asked[0]?.query.get("service")).toBe("the registry");
    expect(scopesOf(tokens)).toEqual([["repository:app:pull"]]);
  });

  test("is fetched with the password, which the registry itself does not get", async () => {
    const tokens = await serveTokens();
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    await call(anAuthenticator(registry, { credentials: password }), registry, pull);
    expect(authorizations(tokens)).toEqual([basic]);
    expect(authorizations(registry)).toEqual([undefined, "Bearer t1"]);
  });

  test("is asked for with an identity token by a form", async () => {
    const tokens = await serveTokens();
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry, { credentials: { identityToken: "refresh me" } });
    await call(authenticator, registry, ["repository:lib:pull", "repository:app:pull"]);
    expect(tokens.asked).toMatchObject([{ method: "POST", authorization: undefined }]);
    expect(tokens.asked[0]?.form).toEqual({
      grant_type: "refresh_token",
      client_id: "tranship",
      service: "the registry",
      scope: "repository:app:pull repository:lib:pull",
      refresh_token: "refresh me",
    });
  });

  test.for([404, 405])("is asked for with the password by a form where GET is answered with %i", async (status) => {
    const tokens = await serve(({ method, form }) => {
      if (method === "GET") return { status };
      return { json: { access_token: "a", ...(form.grant_type === "password" ? { refresh_token: "r" } : {}) } };
    });
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry, { credentials: password });
    await call(authenticator, registry, pull);
    await call(authenticator, registry, pushPull);
    const service = "the registry";
    expect(tokens.asked.map(({ method, form }) => ({ method, ...form }))).toEqual([
      { method: "GET" },
      {
        method: "POST",
        ...{ grant_type: "password", access_type: "offline", client_id: "tranship", service, scope: pull[0] },
        ...password,
      },
      {
        method: "POST",
        ...{ grant_type: "refresh_token", client_id: "tranship", service, scope: pushPull[0], refresh_token: "r" },
      },
    ]);
  });

  test("is asked for by a form at once where a GET has failed before", async () => {
    const tokens = await serve(({ method }) => (method === "GET" ? { status: 404 } : { json: { token: "a" } }));
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry, { credentials: password });
    await call(authenticator, registry, pull);
    await call(authenticator, registry, pushPull);
    expect(tokens.asked.map(({ method }) => method)).toEqual(["GET", "POST", "POST"]);
  });

  test("is asked for with the password again when the refresh token is refused", async () => {
    let isWithdrawn = false;
    const tokens = await serve(({ method }) => {
      if (method === "POST" && isWithdrawn) return { status: 400 };
      return { json: { token: "a", ...(isWithdrawn ? {} : { refresh_token: "r" }) } };
    });
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry, { credentials: password });
    await call(authenticator, registry, pull);
    isWithdrawn = true;
    expect(await call(authenticator, registry, pushPull)).toMatchObject({ status: 200 });
    expect(await call(authenticator, registry, ["repository:lib:pull"])).toMatchObject({ status: 200 });
    expect(tokens.asked.map(({ method }) => method)).toEqual(["GET", "POST", "GET", "GET"]);
  });

  test("is asked for with a refresh token where that came from, and nowhere else", async () => {
    const [one, other] = [await serveTokens({ refresh_token: "r" }), await serveTokens()];
    const registry = await serveRegistry({ challenge: "" });
    const authenticator = anAuthenticator(registry, { credentials: password });
    for (const tokens of [one, other, one]) {
      const scopes = [`repository:app-${one.asked.length}:pull`];
      await authenticator.challenged({ challenges: parseChallenges(bearerOf(tokens)), scopes, sent: undefined });
    }
    expect(one.asked.map(({ form }) => form.refresh_token)).toEqual([undefined, "r"]);
    expect(other.asked).toMatchObject([{ method: "GET", authorization: basic, form: {} }]);
  });

  test("that is ready is sent as it is, and not renewed", async () => {
    const tokens = await serveTokens();
    const rules = { challenge: bearerOf(tokens), accepts: (sent?: string) => sent === "Bearer ready" };
    const registry = await serveRegistry(rules);
    const good = anAuthenticator(registry, { credentials: { accessToken: "ready" } });
    expect(await call(good, registry, pull)).toMatchObject({ status: 200 });
    const bad = anAuthenticator(registry, { credentials: { accessToken: "stale" } });
    expect(await call(bad, registry, pull)).toMatchObject({ status: 401 });
    expect(await call(bad, registry, pull)).toMatchObject({
      status: 401,
      hint: "the registry refused the credentials",
    });
    expect(tokens.asked).toEqual([]);
  });

  test.for(["Bearer", 'Bearer realm="the registry"', 'Bearer error="invalid_token"'])(
    "that is ready needs no token server: %s",
    async (challenge) => {
      const registry = await serveRegistry({ challenge, accepts: (sent) => sent === "Bearer ready" });
      const authenticator = anAuthenticator(registry, { credentials: { accessToken: "ready" } });
      expect(await call(authenticator, registry, pull)).toMatchObject({ status: 200 });
      const other = anAuthenticator(registry, { credentials: password });
      expect(await call(other, registry, pull)).toMatchObject({
        status: 401,
        hint: "the registry wants a bearer token, but its realm is no HTTP URL",
      });
    },
  );

  test("is shown also after a 401 that names no token server", async () => {
    const tokens = await serveTokens();
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry, { credentials: password });
    await call(authenticator, registry, pull);
    const challenges = parseChallenges("Bearer");
    const refusal = await authenticator.challenged({ challenges, scopes: pull, sent: "Bearer t1" });
    expect(refusal).toMatchObject({ tryAgain: false });
    expect(await authenticator.authorization({ scopes: pull })).toBe("Bearer t2");
  });

  test("goes before a password where both are offered", async () => {
    const tokens = await serveTokens();
    const registry = await serveRegistry({ challenge: `Basic realm="x", ${bearerOf(tokens)}` });
    await call(anAuthenticator(registry, { credentials: password }), registry, pull);
    expect(authorizations(registry)).toEqual([undefined, "Bearer t1"]);
  });

  test.for<[string, unknown, RegistryErrorCode]>([
    ["no JSON", "<html>", "PROTOCOL"],
    ["no object", [], "PROTOCOL"],
    ["no token", {}, "PROTOCOL"],
    ["an empty token", { token: "", access_token: "" }, "PROTOCOL"],
    ["a number", { token: 7 }, "PROTOCOL"],
    ["a line break", { token: "a\r\nx-evil: 1" }, "PROTOCOL"],
    ["a control character", { token: "a\u0000" }, "PROTOCOL"],
    ["letters outside ASCII", { token: "töken" }, "PROTOCOL"],
    ["a token without end", { token: "x".repeat(20_000) }, "PROTOCOL"],
    ["an answer without end", { token: "x", padding: "x".repeat(100_000) }, "TOO_LARGE"],
  ])("is not taken from an answer that is %s", async ([, json, code]) => {
    const tokens = await serve(() => ({ json }));
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    await expectCode(call(anAuthenticator(registry), registry, pull), code);
  });

  test.for<[Record<string, unknown>]>([
    [{ token: "a" }],
    [{ access_token: "a" }],
    [{ token: null, access_token: "a", expires_in: null, refresh_token: null }],
    [{ token: "a", expires_in: "soon", refresh_token: 7, issued_at: "yesterday" }],
  ])("is taken from %j", async ([json]) => {
    const tokens = await serve(() => ({ json }));
    const registry = await serveRegistry({ challenge: bearerOf(tokens), accepts: (sent) => sent === "Bearer a" });
    expect(await call(anAuthenticator(registry), registry, pull)).toMatchObject({ status: 200 });
  });
});

describe("how often tokens are fetched", () => {
  test("twenty requests at once share one token", async () => {
    const tokens = await serveTokens();
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry);
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(authenticator, registry, pull)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(tokens.asked).toHaveLength(1);
  });

  test("other scopes are fetched ahead, without another 401", async () => {
    const tokens = await serveTokens();
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry);
    await call(authenticator, registry, pull);
    await call(authenticator, registry, ["repository:lib:pull"]);
    expect(authorizations(registry)).toEqual([undefined, "Bearer t1", "Bearer t2"]);
    expect(scopesOf(tokens)).toEqual([["repository:app:pull"], ["repository:lib:pull"]]);
  });

  test("a token that may do more serves those who want less", async () => {
    const tokens = await serveTokens();
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry);
    await call(authenticator, registry, pushPull);
    await call(authenticator, registry, pull);
    await call(authenticator, registry, []);
    expect(tokens.asked).toHaveLength(1);
  });

  test("wanted scopes and those of the challenge are asked for together, and serve from then on", async () => {
    const tokens = await serveTokens({ expires_in: 300 });
    const scope = "repository:lib/app:pull repository:app:push";
    const registry = await serveRegistry({ challenge: bearerOf(tokens, scope) });
    let now = 0;
    const authenticator = anAuthenticator(registry, { now: () => now });
    await call(authenticator, registry, pull);
    await call(authenticator, registry, pull);
    const union = ["repository:app:pull,push", "repository:lib/app:pull"];
    expect(scopesOf(tokens)).toEqual([union]);
    now = 1_000_000;
    await call(authenticator, registry, pull);
    expect(scopesOf(tokens)).toEqual([union, union]);
  });

  test("a token is replaced before it ends", async () => {
    const tokens = await serveTokens({ expires_in: 300 });
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    let now = 5_000;
    const authenticator = anAuthenticator(registry, { now: () => now });
    await call(authenticator, registry, pull);
    now += 269_999;
    await call(authenticator, registry, pull);
    expect(tokens.asked).toHaveLength(1);
    now += 1;
    await call(authenticator, registry, pull);
    expect(authorizations(registry)).toEqual([undefined, "Bearer t1", "Bearer t1", "Bearer t2"]);
  });

  test.for([{}, { expires_in: 1 }, { expires_in: -7 }, { expires_in: "x" }])(
    "a token lives for a minute when the answer says %j",
    async (lifetime) => {
      const tokens = await serveTokens(lifetime);
      const registry = await serveRegistry({ challenge: bearerOf(tokens) });
      let now = 0;
      const authenticator = anAuthenticator(registry, { now: () => now });
      await call(authenticator, registry, pull);
      now = 44_999;
      await call(authenticator, registry, pull);
      expect(tokens.asked).toHaveLength(1);
      now = 45_000;
      await call(authenticator, registry, pull);
      expect(tokens.asked).toHaveLength(2);
    },
  );

  test("a token that is refused is replaced once, and not in a loop", async () => {
    const tokens = await serveTokens();
    let refused = "Bearer none";
    const accepts = (sent?: string) => sent !== undefined && sent !== refused && refused !== "all";
    const registry = await serveRegistry({ challenge: bearerOf(tokens), accepts });
    const authenticator = anAuthenticator(registry, { credentials: password });
    await call(authenticator, registry, pull);
    refused = "Bearer t1"; // withdrawn before its time
    expect(await call(authenticator, registry, pull)).toMatchObject({ status: 200 });
    expect(tokens.asked).toHaveLength(2);
    refused = "all";
    expect(await call(authenticator, registry, pull)).toMatchObject({ status: 401 });
    expect(tokens.asked).toHaveLength(3);
  });

  test("a token server that gives the refused token again is not believed", async () => {
    const tokens = await serve(() => ({ json: { token: "same" } }));
    const registry = await serveRegistry({ challenge: bearerOf(tokens), accepts: () => false });
    const authenticator = anAuthenticator(registry);
    await call(authenticator, registry, pull);
    const { asked } = registry;
    const before = asked.length;
    expect(await call(authenticator, registry, pull)).toMatchObject({ status: 401, hint: expect.any(String) });
    expect(asked).toHaveLength(before + 1);
  });

  test("who was refused with a token that others have replaced just tries again", async () => {
    const tokens = await serveTokens();
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry);
    await call(authenticator, registry, pull);
    const challenges = parseChallenges(bearerOf(tokens));
    const refusal = { challenges, scopes: pull, sent: "Bearer of-old" };
    expect(await authenticator.challenged(refusal)).toEqual({ tryAgain: true });
    expect(await authenticator.authorization({ scopes: pull })).toBe("Bearer t1");
    expect(tokens.asked).toHaveLength(1);
  });

  test("who aborts leaves alone; when all have left the fetch is given up", async () => {
    const held = Promise.withResolvers<Answer>();
    const arrived = Promise.withResolvers<Asked>();
    const tokens = await serve((asked) => {
      arrived.resolve(asked);
      return held.promise;
    });
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry);
    const refusal = { challenges: parseChallenges(bearerOf(tokens)), scopes: pull, sent: undefined };
    const one = new AbortController();
    const first = authenticator.challenged(refusal, one.signal);
    const second = authenticator.challenged(refusal);
    await arrived.promise;
    const reason = new Error("enough");
    one.abort(reason);
    await expect(first).rejects.toBe(reason);
    held.resolve({ json: { token: "a" } });
    expect(await second).toEqual({ tryAgain: true });
    expect(tokens.asked).toHaveLength(1);
  });

  test("a fetch that nobody waits for any more is aborted, and the next one is new", async () => {
    const arrived = Promise.withResolvers<Asked>();
    let isFirst = true;
    const tokens = await serve((asked) => {
      if (!isFirst) return { json: { token: "b" } };
      isFirst = false;
      arrived.resolve(asked);
      return new Promise(() => {});
    });
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry);
    const refusal = { challenges: parseChallenges(bearerOf(tokens)), scopes: pull, sent: undefined };
    const controllers = [new AbortController(), new AbortController()];
    const calls = controllers.map(({ signal }) => authenticator.challenged(refusal, signal));
    const rejections = Promise.allSettled(calls);
    const { closed } = await arrived.promise;
    for (const controller of controllers) controller.abort();
    expect((await rejections).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await closed;
    expect(await authenticator.challenged(refusal)).toEqual({ tryAgain: true });
    expect(tokens.asked).toHaveLength(2);
  });
});

test("repositories of one host that are asked at once each get tokens of the server their challenge names", async () => {
  const tokens = await serve(({ path }) => ({ json: { token: path.slice(1), expires_in: 300 } }));
  const registry = await serve(() => ({}));
  const authenticator = anAuthenticator(registry);
  const refusals = ["app", "lib"].map((name) => ({
    challenges: parseChallenges(`Bearer realm="${new URL(name, tokens.url)}"`),
    scopes: [`repository:${name}:pull`],
    sent: undefined,
  }));
  const answers = await Promise.all(refusals.map((refusal) => authenticator.challenged(refusal)));
  expect(answers).toEqual([{ tryAgain: true }, { tryAgain: true }]);
  const shown = await Promise.all(refusals.map(({ scopes }) => authenticator.authorization({ scopes })));
  expect(shown).toEqual(["Bearer app", "Bearer lib"]);
  expect(tokens.asked).toHaveLength(2);
});

describe("a token server that gives no token", () => {
  test.for([400, 401, 403, 404])("with %i is named in the hint", async (status) => {
    const tokens = await serve(() => ({ status, json: { details: `no, ${basic} pa55:word` } }));
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const { host } = tokens.url;
    const named = anAuthenticator(registry, { credentials: password });
    const refused = `the token server ${host} refused the credentials: ${status}`;
    expect(await call(named, registry, pull)).toEqual({ status: 401, hint: refused });
    const nobody = await call(anAuthenticator(registry), registry, pull);
    expect(nobody.hint).toBe(`the token server ${host} gives nothing to a client without credentials: ${status}`);
  });

  test("is asked once for a request that was sent without on its account", async () => {
    const tokens = await serve(({ query }) =>
      query.getAll("scope").includes("repository:app:pull") ? { json: { token: "a" } } : { status: 403 },
    );
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry);
    await call(authenticator, registry, pull);
    expect(await call(authenticator, registry, ["repository:lib:pull"])).toMatchObject({ status: 401 });
    expect(tokens.asked).toHaveLength(2);
  });

  test.for<[number, RegistryErrorCode, object]>([
    [429, "RATE_LIMITED", { retryAfterMs: 7000 }],
    [503, "SERVER_ERROR", { retryAfterMs: 7000, status: 503 }],
    [500, "SERVER_ERROR", { status: 500 }],
    [408, "SERVER_ERROR", { status: 408 }],
  ])("with %i may do so later: %s", async ([status, code, details]) => {
    const tokens = await serve(() => ({ status, headers: { "retry-after": "7" }, json: { details: basic } }));
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const answer = call(anAuthenticator(registry, { credentials: password }), registry, pull);
    await expect(answer).rejects.toMatchObject({ code, details: { registry: tokens.url.host, ...details } });
  });

  test("for it is not there fails with NETWORK", async () => {
    const challenge = 'Bearer realm="http://127.0.0.1:1/token"';
    const registry = await serveRegistry({ challenge });
    await expectCode(call(anAuthenticator(registry), registry, pull), "NETWORK");
  });

  test("later, when one is wanted ahead, fails in the same way", async () => {
    let status = 200;
    const tokens = await serve(() => ({ status, json: { token: "a" } }));
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const authenticator = anAuthenticator(registry);
    await call(authenticator, registry, pull);
    status = 502;
    await expectCode(call(authenticator, registry, pushPull), "SERVER_ERROR");
    status = 200;
    expect(await call(authenticator, registry, pushPull)).toMatchObject({ status: 200 });
  });
});

describe("a token server that leads elsewhere", () => {
  const redirects = [301, 302, 303, 307, 308];
  const grants: readonly { name: string; credentials: Credentials }[] = [
    { name: "a password", credentials: password },
    { name: "an identity token", credentials: { identityToken: "r3fresh" } },
  ];

  test.for(redirects.flatMap((status) => grants.map((grant) => ({ status, ...grant }))))(
    "with $status does not get it to see $name",
    async ({ status, credentials }) => {
      const elsewhere = await serveTokens();
      const tokens = await serve(() => ({ status, headers: { location: `${elsewhere.url}token` } }));
      const registry = await serveRegistry({ challenge: bearerOf(tokens) });
      await expectCode(call(anAuthenticator(registry, { credentials }), registry, pull), "PROTOCOL");
      expect(elsewhere.asked).toEqual([]);
    },
  );

  test.for(redirects)("with %i is followed by nobody in particular", async (status) => {
    const elsewhere = await serveTokens();
    const tokens = await serve(() => ({ status, headers: { location: `${elsewhere.url}token?x=1` } }));
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    expect(await call(anAuthenticator(registry), registry, pull)).toMatchObject({ status: 200 });
    expect(authorizations(elsewhere)).toEqual([undefined]);
  });

  test("from the open Internet to this machine is not followed", async () => {
    const inside = await serveTokens();
    const tokens = await serve(() => ({ status: 307, headers: { location: inside.url.href } }));
    const dispatcher = new Agent({
      connect: { lookup: (_name, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]) },
    });
    onTestFinished(() => dispatcher.destroy());
    const authenticator = anAuthenticator({ url: new URL("http://registry.example") }, { dispatcher });
    const challenges = parseChallenges(`Bearer realm="http://auth.example:${tokens.url.port}/token"`);
    await expect(authenticator.challenged({ challenges, scopes: pull, sent: undefined })).rejects.toMatchObject({
      code: "PROTOCOL",
      message: expect.stringContaining("a loopback address"),
    });
    expect(tokens.asked).toHaveLength(1);
    expect(inside.asked).toEqual([]);
  });

  test("on its own origin is followed with the credentials, three times", async () => {
    let hops = 3;
    const tokens = await serve(({ path }) => {
      const hop = Number(/[0-9]+$/.exec(path)?.[0] ?? 0);
      return hop < hops ? { status: 307, headers: { location: `/token/${hop + 1}` } } : { json: { token: "a" } };
    });
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    expect(await call(anAuthenticator(registry, { credentials: password }), registry, pull)).toMatchObject({
      status: 200,
    });
    expect(authorizations(tokens)).toEqual([basic, basic, basic, basic]);
    hops = 4;
    await expectCode(call(anAuthenticator(registry, { credentials: password }), registry, pull), "PROTOCOL");
  });
});

test.for([301, 302, 303])("a form is not sent on, nor turned into a GET, by a %i", async (status) => {
  const tokens = await serve(({ path }) =>
    path === "/token" ? { status, headers: { location: "/elsewhere" } } : { json: { token: "a" } },
  );
  const registry = await serveRegistry({ challenge: bearerOf(tokens) });
  const authenticator = anAuthenticator(registry, { credentials: { identityToken: "r" } });
  await expectCode(call(authenticator, registry, pull), "PROTOCOL");
  expect(tokens.asked.map(({ path }) => path)).toEqual(["/token"]);
});

test("a token server without TLS on another host gets no credentials", async () => {
  const challenge = 'Bearer realm="http://auth.invalid/token"';
  const registry = await serveRegistry({ challenge });
  const answer = await call(anAuthenticator(registry, { credentials: password }), registry, pull);
  expect(answer.hint).toMatch(/http:\/\/auth\.invalid\/token is without TLS and on another host/);
  await expectCode(call(anAuthenticator(registry), registry, pull), "NETWORK"); // nobody may ask
});

test("no error says a secret, whatever goes wrong", async () => {
  const secrets = ["pa55:word", "r3fresh", basic.slice("Basic ".length), "gr4nted"];
  const echo = secrets.join(" ");
  const location = `http://${encodeURIComponent("gr4nted")}:x@127.0.0.1:1/?token=gr4nted`;
  const answers: readonly Answer[] = [
    ...[400, 401, 403, 404, 429, 500, 503, 600].map((status) => ({
      status,
      json: { details: echo, errors: [{ code: echo, message: echo }] },
    })),
    { status: 307, headers: { location } },
    { status: 307, headers: { location: `ftp://${location}` } },
    { json: echo },
    { json: { token: `gr4nted\n${echo}` } },
    { json: { token: "gr4nted", padding: echo.repeat(5_000) } },
  ];
  const told: unknown[] = [];
  for (const credentials of [password, { identityToken: "r3fresh" }]) {
    for (const answer of answers) {
      const tokens = await serve(() => answer);
      const registry = await serveRegistry({ challenge: bearerOf(tokens) });
      const outcome = call(anAuthenticator(registry, { credentials }), registry, pull);
      told.push(await outcome.catch((error: unknown) => error));
    }
  }
  expect(told).toHaveLength(2 * answers.length);
  const text = told
    .map((one) => `${inspect(one, { depth: 12, showHidden: true })} ${JSON.stringify(one)} ${String(one)}`)
    .join("\n");
  for (const secret of secrets) expect(text).not.toContain(secret);
});

test("an answer that is no HTTP takes no secret into the error", async () => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => socket.end(`HTTP/1.1 200 OK\r\nbad header ${String(data)}\r\n\r\n`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
  });
  const challenge = `Bearer realm="http://127.0.0.1:${(server.address() as AddressInfo).port}/token"`;
  const registry = await serveRegistry({ challenge });
  const outcome = call(anAuthenticator(registry, { credentials: password }), registry, pull);
  const error: unknown = await outcome.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "PROTOCOL" });
  expect(inspect(error, { depth: 12, showHidden: true })).not.toContain(basic.slice("Basic ".length));
});

describe("a provider of credentials", () => {
  const rules = { challenge: 'Basic realm="registry"', accepts: (sent: string | undefined) => sent === basic };

  function aProvider(answers: readonly (Credentials | undefined | Error)[]) {
    const asked: unknown[] = [];
    const provider: CredentialProvider = async (request) => {
      asked.push(request);
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return { provider, asked };
  }

  test("is asked once for each repository", async () => {
    const registry = await serveRegistry(rules);
    const { provider, asked } = aProvider([password]);
    const authenticator = anAuthenticator(registry, { host: "docker.io", credentials: provider });
    await Promise.all(Array.from({ length: 10 }, () => call(authenticator, registry, pull)));
    await call(authenticator, registry, pushPull);
    await call(authenticator, registry, ["repository:lib/app:pull"]);
    await call(authenticator, registry, ["registry:catalog:*"]);
    expect(asked).toEqual([
      { host: "docker.io", repository: "app" },
      { host: "docker.io", repository: "lib/app" },
      { host: "docker.io" },
    ]);
  });

  test("is asked again when what it gave has grown stale", async () => {
    let accepted = basic;
    const registry = await serveRegistry({ ...rules, accepts: (sent) => sent === accepted });
    const fresh = { username: "robot", password: "fresh" };
    const { provider, asked } = aProvider([password, fresh]);
    const authenticator = anAuthenticator(registry, { credentials: provider });
    await call(authenticator, registry, pull);
    accepted = `Basic ${Buffer.from("robot:fresh").toString("base64")}`;
    const answers = await Promise.all(Array.from({ length: 5 }, () => call(authenticator, registry, pull)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  test("is asked again when the token server refuses what it gave, and given up when it has nothing new", async () => {
    const tokens = await serve(({ authorization }) =>
      authorization === basic ? { json: { token: "a" } } : { status: 401 },
    );
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const stale = { username: "robot", password: "stale" };
    const renewing = aProvider([stale, password]);
    const authenticator = anAuthenticator(registry, { credentials: renewing.provider });
    expect(await call(authenticator, registry, pull)).toMatchObject({ status: 200 });
    const stubborn = aProvider([stale]);
    const answer = await call(anAuthenticator(registry, { credentials: stubborn.provider }), registry, pull);
    expect(answer).toMatchObject({ status: 401, hint: expect.stringContaining("refused the credentials: 401") });
    expect(stubborn.asked).toHaveLength(2);
    expect(authorizations(tokens).filter((sent) => sent !== basic)).toHaveLength(2); // one of each authenticator
  });

  test("that fails fails the call, and is asked again by the next one", async () => {
    const registry = await serveRegistry(rules);
    const { provider } = aProvider([new Error("locked"), password]);
    const authenticator = anAuthenticator(registry, { credentials: provider });
    await expect(call(authenticator, registry, pull)).rejects.toThrow("locked");
    expect(await call(authenticator, registry, pull)).toMatchObject({ status: 200 });
  });

  test("that knows nobody is not asked for the same again", async () => {
    const tokens = await serveTokens();
    const registry = await serveRegistry({ challenge: bearerOf(tokens) });
    const { provider, asked } = aProvider([undefined]);
    const authenticator = anAuthenticator(registry, { credentials: provider });
    await call(authenticator, registry, pull);
    await call(authenticator, registry, pushPull);
    expect(asked).toHaveLength(1);
    expect(authorizations(tokens)).toEqual([undefined, undefined]);
  });

  test("that gives what cannot be sent is told so", async () => {
    const registry = await serveRegistry(rules);
    const { provider } = aProvider([{ accessToken: "no\nheader" }]);
    await expectCode(
      call(anAuthenticator(registry, { credentials: provider }), registry, pull),
      "CREDENTIALS_UNUSABLE",
    );
  });

  test("may take its time: who aborts does not wait for it", async () => {
    const registry = await serveRegistry(rules);
    let asked: AbortSignal | undefined;
    const provider: CredentialProvider = (_request, { signal }) => {
      asked = signal;
      return new Promise(() => {});
    };
    const authenticator = anAuthenticator(registry, { credentials: provider });
    const controller = new AbortController();
    const refusal = { challenges: parseChallenges(rules.challenge), scopes: pull, sent: undefined };
    const waiting = authenticator.challenged(refusal, controller.signal);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(asked?.aborted).toBe(true);
  });
});
