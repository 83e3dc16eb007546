import { describe, expect, test } from "vitest";
import { bytesOf, expectCode, openerOf } from "../testing/contract-support.ts";
import { aBlob, faults, startTestRegistry } from "../testing/index.ts";
import { createRegistry, type RegistryOptions } from "./create-registry.ts";

const blob = aBlob({ size: 300_000 });

async function aRegistry(options: RegistryOptions = {}) {
  const server = await startTestRegistry();
  const registry = createRegistry(`${server.host}/root`, { retryDelayMs: 1, ...options });
  return {
    server,
    registry,
    repository: registry.repository("app"),
    methods: () => server.requests().map(({ method }) => method),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
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
    await using home = await aRegistry({ credentials: { username: "user", password: "secret" } });
    const location = `${storage.url}/v2/x/blobs/uploads/1?_state=a%2Fb=`;
    home.server.fail(faults.status(202, { headers: { location } }), { match: /^POST/ });
    expect(await home.repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
    expect(home.server.requests().every(({ authorization }) => authorization)).toBe(true);
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
