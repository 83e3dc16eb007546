import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import { expectCode, openerOf } from "../testing/contract-support.ts";
import { aBlob } from "../testing/index.ts";
import { createClient } from "./create-client.ts";
import type { RegistryOptions } from "./create-registry.ts";
import { RemoteRepository } from "./remote-repository.ts";
import { UploadSession } from "./upload-session.ts";

const blob = aBlob({ size: 30_000 });

/** How one request is answered otherwise than it should be. */
interface Turn {
  /** So many bytes of the body are kept. */
  readonly take?: number;
  /** The connection breaks once they are. */
  readonly cut?: boolean;
  /** It is answered once they are, whatever is still to come. */
  readonly early?: boolean;
  /** It is never answered. */
  readonly silent?: boolean;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly code?: string;
}

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly range: string | undefined;
  readonly bytes: number;
}

/** A registry of one upload at a time that does as its script says; `PUT 2` is the second PUT. */
class ScriptedRegistry implements AsyncDisposable {
  readonly seen: Seen[] = [];
  stored: Uint8Array | undefined;
  readonly #script: Readonly<Record<string, Turn>>;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy()); // a client that broke off in the middle
  });
  #held = Buffer.alloc(0);
  #state = 0;

  constructor(script: Readonly<Record<string, Turn>>) {
    this.#script = script;
  }

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  methods(): string {
    return this.seen.map(({ method }) => method).join(" ");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    const n = 1 + this.seen.filter((one) => one.method === method).length;
    const turn = this.#script[`${method} ${n}`] ?? this.#script[`${method} *`] ?? {};
    const seen = { method, url, range: request.headers["content-range"], bytes: 0 };
    this.seen.push(seen);
    const parts: Uint8Array[] = [];
    for await (const part of request.iterator({ destroyOnReturn: false })) {
      parts.push(part);
      seen.bytes += part.byteLength;
      if (seen.bytes < (turn.take ?? 0)) continue;
      if (turn.early) break;
      if (!turn.cut) continue;
      this.#keep(parts, turn.take);
      request.socket.destroy();
      return;
    }
    if (turn.silent) return;
    if (turn.status === undefined || turn.take !== undefined) this.#keep(parts, turn.take);
    const status = turn.status ?? this.#usual(method, new URL(url, "http://stub"));
    this.#state += 1;
    const headers: Record<string, string> = {
      location: `/v2/app/blobs/uploads/1?_state=${this.#state}%2F=`,
      range: `0-${Math.max(0, this.#held.byteLength - 1)}`,
      ...turn.headers,
    };
    if (headers.range === "none") delete headers.range;
    const body = turn.code === undefined ? "" : JSON.stringify({ errors: [{ code: turn.code }] });
    response.writeHead(status, { ...headers, "content-length": String(body.length) }).end(body);
  }

  #keep(parts: readonly Uint8Array[], take: number | undefined): void {
    this.#held = Buffer.concat([this.#held, Buffer.concat(parts).subarray(0, take)]);
  }

  #usual(method: string, { searchParams }: URL): number {
    if (method === "HEAD") return this.stored ? 200 : 404;
    if (method === "POST") this.#held = Buffer.alloc(0);
    if (method === "POST" || method === "PATCH") return 202;
    if (method !== "PUT") return 204;
    if (digestOf(this.#held) !== searchParams.get("digest")) return 400;
    this.stored = new Uint8Array(this.#held);
    return 201;
  }
}

async function aHome(script: Readonly<Record<string, Turn>>, options: RegistryOptions = {}, uploadChunkBytes?: number) {
  const server = new ScriptedRegistry(script);
  const host = await server.start();
  const client = createClient(host, { retryDelayMs: 1, attempts: 3, ...options });
  return {
    server,
    repository: new RemoteRepository(client, host, "", "app", { uploadChunkBytes }),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const opener = () => openerOf(blob.bytes, 1000);
const broken: Turn = { take: 5000, cut: true };

describe("an upload that broke", () => {
  test.for(["0-4999", "bytes=0-4999"])("goes on in the same session when that says Range: %s", async (range) => {
    await using home = await aHome({ "PUT 1": broken, "GET 1": { headers: { range } } });
    expect(await home.repository.pushBlob(blob, opener().open)).toBe("written");
    expect(home.server.methods()).toBe("HEAD POST PUT HEAD GET PATCH PUT");
    const [, , put, , get, patch, commit] = home.server.seen;
    expect(patch).toMatchObject({ range: "5000-29999", bytes: 25_000 });
    expect(commit?.bytes).toBe(0);
    expect([put, get, patch, commit].map((one) => one?.url.replace(/^.*\?/, "").replace(/&.*$/, ""))).toEqual([
      "_state=2%2F=", // each time where the registry was last, byte for byte
      "_state=2%2F=",
      "_state=4%2F=",
      "_state=5%2F=",
    ]);
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test("begins anew when the session is silent twice, though the registry is not", async () => {
    const silent: Turn = { silent: true };
    await using home = await aHome({ "PUT 1": broken, "GET 1": silent, "GET 2": silent }, { idleTimeoutMs: 100 });
    expect(await home.repository.pushBlob(blob, opener().open)).toBe("written");
    expect(home.server.methods()).toBe("HEAD POST PUT HEAD GET HEAD GET DELETE POST PUT");
  });

  test("goes on in a session that was silent once", async () => {
    const get: Turn = { headers: { range: "0-4999" } };
    await using home = await aHome(
      { "PUT 1": broken, "GET 1": { silent: true }, "GET 2": get },
      { idleTimeoutMs: 100 },
    );
    expect(await home.repository.pushBlob(blob, opener().open)).toBe("written");
    expect(home.server.methods()).toBe("HEAD POST PUT HEAD GET HEAD GET PATCH PUT");
  });

  test.for<{ name: string; get: Turn }>([
    { name: "may have one byte or none", get: { headers: { range: "0-0" } } },
    { name: "has none", get: { headers: { range: "0--1" } } },
    { name: "does not say how far it is", get: { headers: { range: "none" } } },
    { name: "says it in words nobody knows", get: { headers: { range: "5000" } } },
    { name: "has more than was sent", get: { headers: { range: "0-30000" } } },
    { name: "is gone", get: { status: 404, code: "BLOB_UPLOAD_UNKNOWN" } },
    { name: "is not valid any more", get: { status: 400, code: "BLOB_UPLOAD_INVALID" } },
    { name: "cannot be asked", get: { status: 405 } },
  ])("begins anew when the session $name", async ({ get }) => {
    await using home = await aHome({ "PUT 1": broken, "GET 1": get });
    expect(await home.repository.pushBlob(blob, opener().open)).toBe("written");
    expect(home.server.methods()).toBe("HEAD POST PUT HEAD GET DELETE POST PUT");
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test("asks the session again when the question fails in a way that may pass", async () => {
    await using home = await aHome({ "PUT 1": broken, "GET 1": { status: 503 } });
    expect(await home.repository.pushBlob(blob, opener().open)).toBe("written");
    expect(home.server.methods()).toBe("HEAD POST PUT HEAD GET HEAD GET PATCH PUT");
  });

  test("goes on as often as a try brings it further, however few tries it has", async () => {
    const further: Turn = { take: 4000, cut: true };
    const script = Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`PATCH ${n}`, further]));
    await using home = await aHome({ ...script, "PUT 1": further }, { attempts: 2 });
    expect(await home.repository.pushBlob(blob, opener().open)).toBe("written");
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test("is given up when no try brings it further, and its session ended", async () => {
    await using home = await aHome({ "PUT 1": broken, "PATCH *": { take: 0, cut: true } });
    await expectCode(home.repository.pushBlob(blob, opener().open), "NETWORK");
    expect(home.server.methods()).toMatch(/^HEAD POST PUT( HEAD GET PATCH)+ DELETE$/);
    expect(home.server.seen.length).toBeLessThan(20);
  });

  test("begins anew, and goes on no more, when what the session had was not what was sent", async () => {
    const script = {
      "PUT 1": broken,
      "GET *": { headers: { range: "0-9" } },
      "PUT 2": { status: 400, code: "DIGEST_INVALID" },
    };
    await using home = await aHome(script);
    expect(await home.repository.pushBlob(blob, opener().open)).toBe("written");
    expect(home.server.methods()).toBe("HEAD POST PUT HEAD GET PATCH PUT HEAD DELETE POST PUT");
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test("is not sent a third time to a registry that finds it wrong", async () => {
    await using home = await aHome({ "PUT *": { status: 400, code: "DIGEST_INVALID" } });
    await expectCode(home.repository.pushBlob(blob, opener().open), "UNEXPECTED_STATUS");
    expect(home.server.methods()).toBe("HEAD POST PUT HEAD DELETE POST PUT DELETE");
  });

  test("is sent once more when the token ran out, and not again", async () => {
    await using home = await aHome({ "PUT 1": { status: 401, take: 0 } });
    expect(await home.repository.pushBlob(blob, opener().open)).toBe("written");
    await using never = await aHome({ "PUT *": { status: 401, take: 0 } }, { attempts: 9 });
    await expectCode(never.repository.pushBlob(blob, opener().open), "UNAUTHORIZED");
    expect(never.server.seen.filter(({ method }) => method === "PUT")).toHaveLength(2);
  });

  test("names the size of a request that is too large", async () => {
    await using home = await aHome({ "PUT *": { status: 413 } });
    await expect(home.repository.pushBlob(blob, opener().open)).rejects.toMatchObject({
      code: "UNEXPECTED_STATUS",
      message: expect.stringContaining("30000 bytes"),
    });
    expect(home.server.methods()).toBe("HEAD POST PUT DELETE");
  });
});

describe("an upload in chunks", () => {
  const ranges = ({ seen }: ScriptedRegistry) =>
    seen.flatMap(({ method, range }) => (method === "PATCH" ? [range] : []));

  test("sends chunks of the size it was told, and commits with an empty PUT", async () => {
    await using home = await aHome({}, {}, 12_000);
    expect(await home.repository.pushBlob(blob, opener().open)).toBe("written");
    expect(home.server.methods()).toBe("HEAD POST PATCH PATCH PATCH PUT");
    expect(ranges(home.server)).toEqual(["0-11999", "12000-23999", "24000-29999"]);
    expect(home.server.seen.at(-1)?.bytes).toBe(0);
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test("reads its source once", async () => {
    await using home = await aHome({}, {}, 7777);
    const source = opener();
    await home.repository.pushBlob(blob, source.open);
    expect(source.opened).toBe(1);
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test("makes them as large as the registry wants them", async () => {
    await using home = await aHome({ "POST 1": { headers: { "oci-chunk-min-length": "20000" } } }, {}, 10);
    await home.repository.pushBlob(blob, opener().open);
    expect(ranges(home.server)).toEqual(["0-19999", "20000-29999"]);
  });

  test("is one PUT when the blob is no larger than a chunk", async () => {
    await using home = await aHome({}, {}, blob.size);
    await home.repository.pushBlob(blob, opener().open);
    expect(home.server.methods()).toBe("HEAD POST PUT");
  });

  test("goes on where the registry stopped taking", async () => {
    await using home = await aHome({ "PATCH 1": { take: 3000 } }, {}, 20_000);
    await home.repository.pushBlob(blob, opener().open);
    expect(ranges(home.server)).toEqual(["0-19999", "3000-22999", "23000-29999"]);
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test("loses no bytes when it is answered while its source has none", async () => {
    await using home = await aHome({ "PATCH 1": { take: 2000, early: true } }, {}, 20_000);
    const again = Promise.withResolvers<void>();
    let opened = 0;
    await home.repository.pushBlob(blob, async function* (offset) {
      opened += 1;
      const isFirst = opened === 1;
      if (!isFirst) again.resolve();
      for (let at = offset; at < blob.size; at += 1000) {
        if (isFirst && at === 3000) await again.promise; // two pieces are out, and the third waits for the fourth
        yield blob.bytes.subarray(at, at + 1000);
      }
    });
    expect(ranges(home.server)).toEqual(["0-19999", "2000-21999", "22000-29999"]);
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test("asks where to go on after a 416", async () => {
    const script = { "PATCH 2": { status: 416, take: 500 } };
    await using home = await aHome(script, {}, 20_000);
    await home.repository.pushBlob(blob, opener().open);
    expect(home.server.methods()).toBe("HEAD POST PATCH PATCH HEAD GET PATCH PUT");
    expect(ranges(home.server).at(-1)).toBe("20500-29999");
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test.for<{ name: string; patch: Turn }>([
    { name: "refuses every range", patch: { status: 416 } },
    { name: "knows the session no more", patch: { status: 404, code: "BLOB_UPLOAD_UNKNOWN" } },
    { name: "takes chunks and says it has nothing", patch: { take: 0, headers: { range: "0--1" } } },
  ])("is given up by and by when the registry $name", async ({ patch }) => {
    await using home = await aHome({ "PATCH *": patch }, {}, 20_000);
    await expect(home.repository.pushBlob(blob, opener().open)).rejects.toThrow("cannot push blob");
    expect(home.server.seen.length).toBeLessThan(20);
    expect(home.server.methods()).toMatch(/DELETE$/);
  });

  test.for(["PATCH *", "PUT *"] as const)(
    "that the registry forgets at every %s is told as that, and as nothing missing",
    async (turn) => {
      const chunkBytes = turn === "PUT *" ? undefined : 20_000;
      await using home = await aHome({ [turn]: { status: 404, code: "BLOB_UPLOAD_UNKNOWN" } }, {}, chunkBytes);
      const pushed = home.repository.pushBlob(blob, opener().open);
      await expect(pushed).rejects.toMatchObject({ code: "UNEXPECTED_STATUS", details: { status: 404 } });
      await expect(pushed).rejects.toThrow("the registry forgot the upload before it was over");
    },
  );

  test("begins anew when the session is gone in the middle", async () => {
    await using home = await aHome({ "PATCH 2": { status: 404 }, "GET 1": { status: 404 } }, {}, 20_000);
    expect(await home.repository.pushBlob(blob, opener().open)).toBe("written");
    expect(ranges(home.server)).toEqual(["0-19999", "20000-29999", "0-19999", "20000-29999"]);
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test("commits again, and reads nothing again, when only the commit failed", async () => {
    await using home = await aHome({ "PUT 1": { status: 502 } }, {}, 20_000);
    const source = opener();
    expect(await home.repository.pushBlob(blob, source.open)).toBe("written");
    expect(home.server.methods()).toBe("HEAD POST PATCH PATCH PUT HEAD GET PUT");
    expect(source.opened).toBe(1);
    expect(home.server.stored).toEqual(blob.bytes);
  });

  test("does not commit bytes that are wrong", async () => {
    await using home = await aHome({}, {}, 10_000);
    const wrong = aBlob({ size: blob.size, seed: "wrong" });
    await expectCode(home.repository.pushBlob(blob, openerOf(wrong.bytes, 1000).open), "DIGEST_MISMATCH");
    expect(home.server.methods()).toMatch(/^HEAD POST( PATCH)+ DELETE$/);
  });

  test.for([0, -1, 1.5, Number.NaN])("cannot have chunks of %s bytes", async (size) => {
    await expect(aHome({}, {}, size)).rejects.toThrow(RangeError);
  });
});

test.for([
  ["http://169.254.169.254/latest/api/token", "a link-local address"],
  ["//10.0.0.1/upload", "a private address"],
  ["http://127.0.0.1:1/upload", "a loopback address"],
] as const)("an upload is not sent to %s by a registry on the Internet", async ([location, why]) => {
  await using client = createClient("registry.example", { insecure: true });
  const operation = { registry: "registry.example", reference: "registry.example/app", what: "push" };
  const url = new URL("/v2/app/blobs/uploads/", client.origin);
  const opened = { status: 202, headers: { location }, url, body: new Uint8Array() };
  const open = () => new UploadSession({ client, blob, operation, scopes: [], signal: undefined }, opened);
  expect(open).toThrow(expect.objectContaining({ code: "PROTOCOL", message: expect.stringContaining(why) }));
});
