import { describe, expect, test } from "vitest";
import { openBytes } from "../open-bytes.ts";
import { aBlob, faults, startTestRegistry } from "../testing/index.ts";
import { createRegistry } from "./create-registry.ts";

describe("probing whether a repository can be written", () => {
  test("begins an upload, cancels it when it is disposed and leaves nothing behind", async () => {
    await using server = await startTestRegistry();
    await using registry = createRegistry(`${server.host}/mirror`);
    {
      await using _probe = await registry.repository("app").probeWrite();
    }
    const asked = server.requests().map(({ method, status }) => `${method} ${status}`);
    expect(asked).toEqual(["POST 202", "DELETE 204"]);
    const [, cancelled] = server.requests();
    expect((await fetch(`${server.url}${cancelled?.path}`)).status).toBe(404); // the upload is gone
    await expect(Array.fromAsync(registry.repositories())).resolves.toEqual([]);
  });

  test("the next blob of that repository takes the upload over, and the one after it has its own", async () => {
    await using server = await startTestRegistry();
    await using registry = createRegistry(`${server.host}/mirror`);
    {
      await using _probe = await registry.repository("app").probeWrite();
      for (const path of ["other", "app", "app"]) {
        const blob = aBlob({ seed: server.requests().length });
        await registry.repository(path).pushBlob(blob, openBytes(blob.bytes));
      }
    }
    const writes = server.requests().filter(({ method }) => method !== "HEAD");
    expect(writes.map(({ method, path }) => `${method} ${path.replace(/\/blobs.*/, "")}`)).toEqual([
      "POST /v2/mirror/app",
      "POST /v2/mirror/other",
      "PUT /v2/mirror/other",
      "PUT /v2/mirror/app",
      "POST /v2/mirror/app",
      "PUT /v2/mirror/app",
    ]);
  });

  test("a blob whose upload the registry has forgotten meanwhile gets another", async () => {
    await using server = await startTestRegistry();
    await using registry = createRegistry(`${server.host}/mirror`, { retryDelayMs: 1 });
    const repository = registry.repository("app");
    await using _probe = await repository.probeWrite();
    server.failOnce(faults.status(404), /^PUT/);
    const blob = aBlob();
    expect(await repository.pushBlob(blob, openBytes(blob.bytes))).toBe("written");
    expect(await repository.statBlob(blob.digest)).toEqual({ size: blob.size });
  });

  test.for([
    { status: 401, code: "UNAUTHORIZED" },
    { status: 403, code: "FORBIDDEN" },
    { status: 404, code: "NOT_FOUND" },
  ])("fails with $code when the registry answers $status", async ({ status, code }) => {
    await using server = await startTestRegistry();
    await using registry = createRegistry(`${server.host}/mirror`);
    server.fail(faults.status(status), { match: /^POST/ });
    await expect(registry.repository("app").probeWrite()).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`cannot write to ${server.host}/mirror/app: `),
    });
  });

  test("asks again what may pass, and does not mind a registry that lets no upload be cancelled", async () => {
    await using server = await startTestRegistry();
    await using registry = createRegistry(`${server.host}/mirror`, { retryDelayMs: 1 });
    server.failOnce(faults.status(503), /^POST/);
    server.failOnce(faults.status(405), /^DELETE/);
    {
      await using _probe = await registry.repository("app").probeWrite();
    }
    expect(server.requests().map(({ method }) => method)).toEqual(["POST", "POST", "DELETE"]);
  });

  test("ends with the reason of its signal", async () => {
    await using server = await startTestRegistry();
    await using registry = createRegistry(`${server.host}/mirror`);
    const reason = new Error("enough");
    await expect(registry.repository("app").probeWrite({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests()).toEqual([]);
  });
});
