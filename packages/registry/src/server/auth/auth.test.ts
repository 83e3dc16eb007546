import { describe, expect, onTestFinished, test, vi } from "vitest";
import { parseChallenges } from "../../remote/auth/challenge.ts";
import { aBlob, anImage, faults, startTestRegistry, type TestRegistry } from "../../testing/index.ts";
import type { ServerAuth } from "./auth-options.ts";

const credentials = { username: "ann", password: "s3cret:ü" };
const image = anImage({ tag: "v1" });
const { digest } = image.manifest.descriptor;
const [layer] = image.layers;
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
const ann = basic("ann:s3cret:ü");
const manifestPath = "/v2/app/manifests/v1";

async function aRegistry(auth: Partial<ServerAuth>, options: { publicUrl?: string } = {}): Promise<TestRegistry> {
  const registry = await startTestRegistry({ auth: { scheme: "bearer", credentials, ...auth }, ...options });
  registry.seed("app", image);
  registry.seed("other", aBlob());
  return registry;
}

/** The only challenge of a 401. */
function challengeOf(answer: Response) {
  expect(answer.status).toBe(401);
  const [challenge, ...others] = parseChallenges(answer.headers.get("www-authenticate") ?? undefined);
  expect(others).toEqual([]);
  return challenge;
}

interface TokenAnswer {
  readonly token?: string;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly expires_in?: number;
}

async function tokenFor(registry: TestRegistry, scopes: readonly string[], headers: Record<string, string> = ann) {
  const query = new URLSearchParams({ service: registry.host });
  for (const scope of scopes) query.append("scope", scope);
  const answer = await fetch(`${registry.url}/token?${query}`, { headers });
  expect(answer.status).toBe(200);
  return { authorization: `Bearer ${((await answer.json()) as TokenAnswer).token}` };
}

function postForm(registry: TestRegistry, form: Record<string, string>): Promise<Response> {
  return fetch(`${registry.url}/token`, { method: "POST", body: new URLSearchParams(form) });
}

describe("bearer tokens", () => {
  test.for([
    { method: "GET", path: "/v2/", scope: undefined },
    { method: "GET", path: "/v2/_catalog", scope: "registry:catalog:*" },
    { method: "GET", path: "/v2/app/tags/list", scope: "repository:app:pull" },
    { method: "HEAD", path: manifestPath, scope: "repository:app:pull" },
    { method: "GET", path: `/v2/app/blobs/${digest}`, scope: "repository:app:pull" },
    { method: "GET", path: `/v2/app/referrers/${digest}`, scope: "repository:app:pull" },
    { method: "PUT", path: manifestPath, scope: "repository:app:pull,push" },
    { method: "POST", path: "/v2/app/blobs/uploads/", scope: "repository:app:pull,push" },
    { method: "PATCH", path: "/v2/app/blobs/uploads/some", scope: "repository:app:pull,push" },
    { method: "DELETE", path: manifestPath, scope: "repository:app:delete" },
    { method: "DELETE", path: `/v2/app/blobs/${digest}`, scope: "repository:app:delete" },
    {
      method: "POST",
      path: `/v2/app/blobs/uploads/?mount=${digest}&from=lib/base`,
      scope: "repository:app:pull,push repository:lib/base:pull",
    },
    { method: "GET", path: "/v2/nonsense", scope: undefined },
  ])("are asked for by $method $path, with the scope it needs", async ({ method, path, scope }) => {
    await using registry = await aRegistry({});
    expect(challengeOf(await fetch(registry.url + path, { method }))).toEqual({
      scheme: "bearer",
      parameters: { realm: `${registry.url}/token`, service: registry.host, ...(scope ? { scope } : {}) },
    });
  });

  test("let pass what they are for, and nothing else", async () => {
    await using registry = await aRegistry({});
    const pull = await tokenFor(registry, ["repository:app:pull"]);
    const ask = (method: string, path: string) => fetch(registry.url + path, { method, headers: pull });
    expect((await ask("GET", "/v2/")).status).toBe(200);
    expect((await ask("GET", manifestPath)).status).toBe(200);
    for (const [method, path, scope] of [
      ["DELETE", manifestPath, "repository:app:delete"],
      ["POST", "/v2/app/blobs/uploads/", "repository:app:pull,push"],
      ["GET", "/v2/other/tags/list", "repository:other:pull"],
      ["GET", "/v2/_catalog", "registry:catalog:*"],
    ] as const) {
      expect(challengeOf(await ask(method, path))?.parameters).toMatchObject({ error: "insufficient_scope", scope });
    }
    const all = await tokenFor(registry, ["repository:app:delete repository:app:push,pull", "registry:catalog:*"]);
    expect((await fetch(`${registry.url}/v2/_catalog`, { headers: all })).status).toBe(200);
    expect((await fetch(registry.url + manifestPath, { method: "DELETE", headers: all })).status).toBe(202);
  });

  test.for(["Bearer forged", "Bearer a.b", "Bearer a.b.c", "Bearer .", "Bearer", "nonsense", ann.authorization])(
    "refuse %s",
    async (authorization) => {
      await using registry = await aRegistry({ anonymous: "pull" });
      const answer = await fetch(registry.url + manifestPath, { headers: { authorization } });
      expect(challengeOf(answer)?.parameters.error).toBe("invalid_token");
    },
  );

  test("cannot be changed, nor come from another server", async () => {
    await using registry = await aRegistry({});
    await using other = await aRegistry({});
    const { authorization } = await tokenFor(registry, ["repository:app:pull"]);
    const [claims = "", signature] = authorization.slice("Bearer ".length).split(".");
    const text = Buffer.from(claims, "base64url").toString().replace("repository:app:pull", "repository:app:push");
    const forged = `Bearer ${Buffer.from(text).toString("base64url")}.${signature}`;
    for (const [at, sent] of [
      [registry, forged],
      [other, authorization],
    ] as const) {
      expect(challengeOf(await fetch(at.url + manifestPath, { headers: { authorization: sent } }))).toBeDefined();
    }
  });

  test("end when their time is over", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    await using registry = await aRegistry({ tokenSeconds: 7 });
    const headers = await tokenFor(registry, ["repository:app:pull"]);
    vi.setSystemTime(1_006_999);
    expect((await fetch(registry.url + manifestPath, { headers })).status).toBe(200);
    vi.setSystemTime(1_007_000);
    const answer = await fetch(registry.url + manifestPath, { headers });
    expect(challengeOf(answer)?.parameters.error).toBe("invalid_token");
  });

  test.for([
    { anonymous: "pull", status: 200 },
    { anonymous: "none", status: 401 },
  ] as const)("are given to nobody in particular where that is allowed: $anonymous", async ({ anonymous, status }) => {
    await using registry = await aRegistry({ anonymous });
    const answer = await fetch(`${registry.url}/token?scope=repository:app:pull,push,delete`);
    expect(answer.status).toBe(status);
    if (status === 401) return expect(challengeOf(answer)?.scheme).toBe("basic");
    const headers = { authorization: `Bearer ${((await answer.json()) as TokenAnswer).token}` };
    expect((await fetch(registry.url + manifestPath, { headers })).status).toBe(200);
    for (const [method, path] of [
      ["DELETE", manifestPath],
      ["POST", "/v2/app/blobs/uploads/"],
    ] as const) {
      const refused = await fetch(registry.url + path, { method, headers });
      expect(challengeOf(refused)?.parameters.error).toBe("insufficient_scope");
    }
  });

  test("are not given for wrong credentials, even where anybody may read", async () => {
    await using registry = await aRegistry({ anonymous: "pull" });
    for (const headers of [basic("ann:wrong"), basic("bob:s3cret:ü"), { authorization: "Bearer x" }]) {
      const answer = await fetch(`${registry.url}/token?scope=repository:app:pull`, { headers });
      expect(challengeOf(answer)?.scheme).toBe("basic");
    }
  });

  test("are had by a form too, and renewed by a refresh token that is none itself", async () => {
    await using registry = await aRegistry({ tokenSeconds: 60 });
    const scope = "repository:app:pull,push";
    const service = registry.host;
    const first = await postForm(registry, {
      grant_type: "password",
      ...credentials,
      service,
      scope,
      access_type: "offline",
    });
    const given = (await first.json()) as TokenAnswer;
    expect(given).toMatchObject({ expires_in: 60, scope, access_token: expect.any(String) as string });
    const ask = (token = "") => fetch(registry.url + manifestPath, { headers: { authorization: `Bearer ${token}` } });
    expect((await ask(given.access_token)).status).toBe(200);
    expect((await ask(given.refresh_token)).status).toBe(401);
    const refresh = (refresh_token = "") => postForm(registry, { grant_type: "refresh_token", refresh_token, scope });
    const renewed = (await (await refresh(given.refresh_token)).json()) as TokenAnswer;
    expect((await ask(renewed.access_token)).status).toBe(200);
    expect((await refresh(given.access_token)).status).toBe(401);
  });

  test.for([
    { form: { grant_type: "password", username: "ann", password: "wrong" }, status: 401 },
    { form: { grant_type: "refresh_token", refresh_token: "forged" }, status: 401 },
    { form: { grant_type: "client_credentials" }, status: 400 },
    { form: {}, status: 400 },
    { form: { grant_type: "password", ...credentials, service: "elsewhere" }, status: 400 },
    { form: { grant_type: "password", ...credentials, scope: "x".repeat(5000) }, status: 400 },
    { form: { grant_type: "password", ...credentials, filler: "x".repeat(70_000) }, status: 413 },
  ])("are refused to a form of $form with $status", async ({ form, status }) => {
    await using registry = await aRegistry({});
    const answer = await postForm(registry, form as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toContain("s3cret");
  });

  test("of scopes without meaning are good for nothing", async () => {
    await using registry = await aRegistry({});
    const scopes = [
      "repository:App:pull",
      "repository:app:fly",
      "nonsense",
      "registry:other:*",
      "repository:../x:pull",
    ];
    const headers = await tokenFor(registry, scopes);
    expect((await fetch(`${registry.url}/v2/`, { headers })).status).toBe(200);
    expect((await fetch(registry.url + manifestPath, { headers })).status).toBe(401);
  });

  test("of a star are good for a whole repository", async () => {
    await using registry = await aRegistry({});
    const headers = await tokenFor(registry, ["repository:app:*"]);
    expect((await fetch(registry.url + manifestPath, { method: "DELETE", headers })).status).toBe(202);
  });

  test("have to cover the repository a mount takes from", async () => {
    await using registry = await aRegistry({});
    const url = `${registry.url}/v2/two/blobs/uploads/?mount=${layer?.digest}&from=app`;
    const own = await tokenFor(registry, ["repository:two:pull,push"]);
    expect(challengeOf(await fetch(url, { method: "POST", headers: own }))?.parameters.scope).toBe(
      "repository:two:pull,push repository:app:pull",
    );
    const both = await tokenFor(registry, ["repository:two:pull,push", "repository:app:pull"]);
    expect((await fetch(url, { method: "POST", headers: both })).status).toBe(201);
  });

  test("are asked for where the server is told it is found, whatever a request says", async () => {
    await using registry = await aRegistry({}, { publicUrl: "https://registry.example.com/path" });
    const headers = { host: "evil.example", "x-forwarded-host": "evil.example" };
    expect(challengeOf(await fetch(`${registry.url}/v2/`, { headers }))?.parameters).toEqual({
      realm: "https://registry.example.com/token",
      service: "registry.example.com",
    });
  });

  test("that a test runs out are asked for again", async () => {
    await using registry = await aRegistry({});
    const [old, fresh] = [
      await tokenFor(registry, ["repository:app:pull"]),
      await tokenFor(registry, ["repository:app:pull"]),
    ];
    registry.fail(faults.unauthorizedAfter(1));
    const ask = (headers: Record<string, string>) => fetch(registry.url + manifestPath, { headers });
    expect((await ask(old)).status).toBe(200);
    expect(challengeOf(await ask(old))?.parameters).toMatchObject({
      error: "invalid_token",
      scope: "repository:app:pull",
    });
    expect((await ask(fresh)).status).toBe(200);
  });
});

describe("basic credentials", () => {
  test("are wanted for writes only where anybody may read", async () => {
    await using registry = await aRegistry({ scheme: "basic", anonymous: "pull" });
    const ask = (method: string, path: string, headers = {}) => fetch(registry.url + path, { method, headers });
    expect((await ask("GET", "/v2/")).status).toBe(200);
    expect((await ask("GET", manifestPath)).status).toBe(200);
    expect((await ask("GET", manifestPath, basic("ann:wrong"))).status).toBe(401);
    for (const [method, path] of [
      ["GET", "/v2/_catalog"],
      ["DELETE", manifestPath],
      ["POST", "/v2/app/blobs/uploads/"],
    ] as const) {
      expect(challengeOf(await ask(method, path))?.scheme).toBe("basic");
      expect((await ask(method, path, ann)).status).toBeLessThan(300);
    }
  });

  test("are not wanted twice", async () => {
    const auth = { scheme: "basic", credentials } as const;
    await expect(startTestRegistry({ auth, credentials })).rejects.toThrow(TypeError);
  });

  test("come with no token server", async () => {
    await using registry = await aRegistry({ scheme: "basic" });
    expect((await fetch(`${registry.url}/token`, { headers: ann })).status).toBe(404);
  });
});

test.for(["ftp://x", "registry.example.com", ""])("a server is not found at %j", async (publicUrl) => {
  await expect(startTestRegistry({ publicUrl })).rejects.toThrow(TypeError);
});
