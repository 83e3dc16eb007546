import { Agent } from "undici";
import { describe, expect, test } from "vitest";
import { RegistryError } from "../errors.ts";
import { bytesOf, expectCode, openerOf } from "../testing/contract-support.ts";
import { faultOf } from "../testing/fault.ts";
import { aBlob, faults, startTestRegistry, type TestRegistryOptions } from "../testing/index.ts";
import type { AccessRequest } from "./auth/authenticator.ts";
import { createClient } from "./create-client.ts";
import { createRegistry, type RegistryOptions } from "./create-registry.ts";
import { createHostGate } from "./host-gate.ts";
import { HttpClient } from "./http-client.ts";
import { RemoteRepository } from "./remote-repository.ts";

const blob = aBlob({ size: 300_000 });

const credentials = { username: "user", password: "secret" };

async function aRegistry(options: RegistryOptions = {}, serverOptions: TestRegistryOptions = {}) {
  const server = await startTestRegistry(serverOptions);
  const registry = createRegistry(`${server.host}/root`, { retryDelayMs: 1, ...options });
  return {
    server,
    registry,
    repository: registry.repository("app"),
    methods: () => server.requests().map(({ method }) => method),
    /** The methods with the names in their queries. */
    asked: () => server.requests().map(({ method, queryNames }) => [method, ...queryNames].join(" ")),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function plainParts(url: string) {
  return {
    origin: new URL(url),
    dispatcher: new Agent(),
    gate: createHostGate(),
    idleTimeoutMs: 10_000,
    attempts: 1,
    retryDelayMs: 1,
    throttleWaitMs: 0,
    userAgent: "test",
  };
}

describe("pushing a blob", () => {
  test("is a look, a session and one PUT", async () => {
    await using home = await aRegistry();
    expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
    expect(home.methods()).toEqual(["HEAD", "POST", "PUT"]);
    expect(home.server.requests()[2]?.bytesReceived).toBe(blob.size);
  });

  test("mounts from another repository below the same root", async () => {
    await using home = await aRegistry();
    home.server.seed("root/from", blob);
    const opener = openerOf(blob.bytes);
    const mountFrom = ["app", "from"]; // itself is no source
    expect(await home.repository.pushBlob(blob, opener.open, { mountFrom })).toBe("mounted");
    expect(opener.opened).toBe(0);
    expect(home.methods()).toEqual(["HEAD", "POST"]);
  });

  test("opens a session of its own when a mount is refused", async () => {
    await using home = await aRegistry();
    home.server.fail(faults.status(403), { times: 1, match: /^POST/ });
    const outcome = await home.repository.pushBlob(blob, openerOf(blob.bytes).open, { mountFrom: ["from"] });
    expect(outcome).toBe("written");
    expect(home.methods()).toEqual(["HEAD", "POST", "POST", "PUT"]);
  });

  test("tries four sources and no fifth, and goes on without", async () => {
    await using home = await aRegistry();
    home.server.fail(faults.status(404), { times: 4, match: /^POST/ });
    const mountFrom = ["a", "a", "b", "c", "d", "e"];
    expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open, { mountFrom })).toBe("written");
    expect(home.asked()).toEqual(["HEAD", ...Array(4).fill("POST mount from"), "POST", "PUT digest"]);
  });

  test("tries the next source where it has no leave to read the first", async () => {
    await using home = await aRegistry();
    home.server.seed("root/two", blob);
    home.server.fail(faults.status(401), { times: 1, match: /^POST/ });
    const mountFrom = ["one", "two"];
    expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open, { mountFrom })).toBe("mounted");
    expect(home.methods()).toEqual(["HEAD", "POST", "POST"]);
  });

  test("takes the session that a mount opened in place of mounting", async () => {
    await using home = await aRegistry();
    expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open, { mountFrom: ["one", "two"] })).toBe(
      "written",
    );
    expect(home.methods()).toEqual(["HEAD", "POST", "PUT"]);
  });

  test.for([400, 500, 501])(
    "mounts what the registry knows from elsewhere, asking that of a host which refuses it (%i) only once",
    async (status) => {
      await using home = await aRegistry();
      home.server.failOnce(faults.status(201), /^POST/);
      expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("mounted");
      home.server.reset();
      home.server.failOnce(faults.status(status), /^POST/);
      expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
      const other = aBlob({ seed: "other" });
      await home.registry.repository("elsewhere").pushBlob(other, openerOf(other.bytes).open);
      const sent = ["HEAD", "POST", "PUT digest"];
      expect(home.asked()).toEqual(["HEAD", "POST mount", ...sent.slice(1), ...sent]);
    },
  );

  test.for([405, 501])("is sent where nobody can be asked whether it is there (%i)", async (status) => {
    await using home = await aRegistry();
    home.server.fail(faults.status(status), { match: /^HEAD/ });
    expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
    expect(home.methods()).toEqual(["HEAD", "POST", "PUT"]);
  });

  test("is sent again where what lies under its digest has another size", async () => {
    await using home = await aRegistry();
    home.server.seed("root/app", blob);
    const cut = faultOf(() => ({
      head: ({ status, headers }) => ({ status, headers: { ...headers, "content-length": 5 } }),
    }));
    home.server.fail(cut, { match: /^HEAD/ });
    expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
    expect(home.methods()).toEqual(["HEAD", "POST", "PUT"]);
  });

  test("asks for leave in both repositories to mount, and for no more to write", async () => {
    const scopes: string[][] = [];
    const authenticator = {
      authorization: async (request: AccessRequest) => void scopes.push([...request.scopes]) as undefined,
      challenged: async () => ({ tryAgain: false }),
    };
    await using server = await startTestRegistry();
    await using client = new HttpClient({ ...plainParts(server.url), authenticator });
    const repository = new RemoteRepository(client, server.host, "root", "app");
    await repository.pushBlob(blob, openerOf(blob.bytes).open, { mountFrom: ["from"] });
    const own = "repository:root/app:pull,push";
    expect(scopes).toEqual([[own], [own, "repository:root/from:pull"], [own]]);
  });

  test("goes on where the connection was cut, and reads the source from near there", async () => {
    const large = aBlob({ size: 3_500_000 });
    await using home = await aRegistry();
    home.server.fail(faults.cutAfter(2_500_000), { times: 1, match: /^PUT/ });
    const offsets: number[] = [];
    const open = (offset: number) => {
      offsets.push(offset);
      return openerOf(large.bytes, 70_000).open(offset);
    };
    expect(await home.repository.pushBlob(large, open)).toBe("written");
    expect(home.methods()).toEqual(["HEAD", "POST", "PUT", "HEAD", "GET", "PATCH", "PUT"]);
    expect(home.server.requests().at(-2)?.bytesReceived).toBe(1_000_000);
    expect(offsets).toEqual([0, 2 * 1024 * 1024]);
    expect(Buffer.compare(await bytesOf(home.repository.fetchBlob(large)), large.bytes)).toBe(0);
  });

  test.for([{ chunkBytes: undefined }, { chunkBytes: 40_000 }])(
    "is copied inside one host with a single slot of each kind, in chunks of $chunkBytes",
    async ({ chunkBytes }) => {
      await using server = await startTestRegistry();
      await using client = createClient(server.host, { limits: { meta: 1, down: 1, up: 1 }, retryDelayMs: 1 });
      const blobs = Array.from({ length: 6 }, (_, seed) => aBlob({ size: 150_000, seed }));
      server.seed("from", ...blobs);
      server.fail(faults.status(400), { match: /^POST/, times: 1 }); // no mounts here
      server.fail(faults.cutAfter(30_000), { match: /^(?:PUT|PATCH)/, times: 3 });
      const from = new RemoteRepository(client, server.host, "", "from");
      const to = new RemoteRepository(client, server.host, "", "to", { uploadChunkBytes: chunkBytes });
      const [first, ...others] = blobs.map(
        (one) => () => to.pushBlob(one, (offset) => from.fetchBlob(one, { offset })),
      );
      const outcomes = [await first?.(), ...(await Promise.all(others.map((copy) => copy())))];
      expect(outcomes).toEqual(blobs.map(() => "written"));
      for (const one of blobs) expect(await to.statBlob(one.digest)).toEqual({ size: one.size });
    },
  );

  test.for<Error>([
    new Error("the disk is gone"),
    new RegistryError("NETWORK", "the other registry is gone", { registry: "a", reference: "b", reason: "ECONNRESET" }),
    new RegistryError("NOT_FOUND", "it is not there", { registry: "a", reference: "b" }),
  ])("passes on what the source throws ($message), and does not ask it again", async (error) => {
    await using home = await aRegistry();
    let opened = 0;
    const open = async function* () {
      opened += 1;
      yield blob.bytes.slice(0, 100_000);
      throw error;
    };
    await expect(home.repository.pushBlob(blob, open)).rejects.toBe(error);
    expect(opened).toBe(1);
    expect(home.methods().at(-1)).toBe("DELETE");
    const failing = () => {
      throw error;
    };
    await expect(home.repository.pushBlob(blob, failing)).rejects.toBe(error);
  });

  test("does not wait for a source that has not heard of the abort", async () => {
    await using home = await aRegistry();
    const controller = new AbortController();
    const open = async function* () {
      controller.abort("enough");
      await new Promise(() => {}); // never gives its first byte
      yield blob.bytes;
    };
    await expect(home.repository.pushBlob(blob, open, { signal: controller.signal })).rejects.toBe("enough");
  });

  test.for(["sha256", "sha512"] as const)(
    "stores an empty blob by %s, and looks whether it is empty",
    async (algorithm) => {
      await using home = await aRegistry();
      const empty = aBlob({ content: "", algorithm });
      expect(await home.repository.pushBlob(empty, openerOf(empty.bytes).open)).toBe("written");
      expect(await home.repository.statBlob(empty.digest)).toEqual({ size: 0 });
      const other = aBlob({ content: "x", algorithm });
      await expectCode(home.repository.pushBlob({ ...other, size: 0 }, openerOf(empty.bytes).open), "DIGEST_MISMATCH");
    },
  );

  test.for([
    { name: "the connection is cut", fault: faults.cutAfter(100_000), match: /^PUT/ },
    { name: "the registry fails at the PUT", fault: faults.status(502), match: /^PUT/ },
    { name: "the registry fails at the session", fault: faults.status(503), match: /^POST/ },
    { name: "the registry fails at the look", fault: faults.status(500), match: /^HEAD/ },
  ])("starts again when $name", async ({ fault, match }) => {
    await using home = await aRegistry();
    home.server.fail(fault, { times: 1, match });
    expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
    expect(Buffer.compare(await bytesOf(home.repository.fetchBlob(blob)), blob.bytes)).toBe(0);
  });

  test("sends nothing twice when only the answer was lost", async () => {
    await using home = await aRegistry();
    home.server.fail(faults.status(504), { times: 1, match: /^PUT/ });
    const opener = openerOf(blob.bytes);
    const open = (offset: number) => {
      home.server.seed("root/app", blob); // as if the PUT had been carried out all the same
      return opener.open(offset);
    };
    expect(await home.repository.pushBlob(blob, open)).toBe("written");
    expect(opener.opened).toBe(1);
  });

  test("ends its session when it fails, and before the registry could store anything", async () => {
    await using home = await aRegistry();
    const wrong = aBlob({ size: blob.size, seed: "wrong" });
    await expectCode(home.repository.pushBlob(blob, openerOf(wrong.bytes).open), "DIGEST_MISMATCH");
    expect(home.methods()).toEqual(["HEAD", "POST", "PUT", "DELETE"]);
    expect(home.server.requests()[2]?.bytesReceived).toBeLessThan(blob.size);
  });

  test("ends its session when it is aborted, and closes the source", async () => {
    await using home = await aRegistry();
    const controller = new AbortController();
    let closed = false;
    const open = async function* () {
      try {
        yield blob.bytes.slice(0, 1000);
        yield blob.bytes.slice(1000, 2000);
        controller.abort("enough");
        yield blob.bytes.slice(2000);
      } finally {
        closed = true;
      }
    };
    await expect(home.repository.pushBlob(blob, open, { signal: controller.signal })).rejects.toBe("enough");
    while (!closed) await new Promise((resolve) => setImmediate(resolve));
    expect(home.methods().at(-1)).toBe("DELETE");
  });

  test("sends the session's own query along, and no credentials elsewhere", async () => {
    await using storage = await startTestRegistry();
    storage.fail(faults.status(201), { match: /^PUT/ });
    await using home = await aRegistry({ credentials }, { credentials });
    const location = `${storage.url}/v2/x/blobs/uploads/1?_state=a%2Fb=`;
    home.server.fail(faults.status(202, { headers: { location } }), { match: /^POST/ });
    expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
    expect(home.server.requests().at(-1)).toMatchObject({ method: "POST", authorization: true });
    expect(storage.requests()).toMatchObject([{ method: "PUT", authorization: false }]);
  });

  test.for([
    { name: "without a Location", headers: {} },
    { name: "that is no URL", headers: { location: "http://[" } },
  ])("refuses a session $name", async ({ headers }) => {
    await using home = await aRegistry();
    home.server.fail(faults.status(202, { headers }), { match: /^POST/ });
    await expectCode(home.repository.pushBlob(blob, openerOf(blob.bytes).open), "PROTOCOL");
  });

  test("tells a refusal, and does not try again", async () => {
    await using home = await aRegistry();
    home.server.fail(faults.status(403), { match: /^POST/ });
    await expectCode(home.repository.pushBlob(blob, openerOf(blob.bytes).open), "FORBIDDEN");
    expect(home.methods()).toEqual(["HEAD", "POST"]);
  });
});
