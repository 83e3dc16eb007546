import { describe, expect, test } from "vitest";
import { faults, startTestRegistry } from "../testing/index.ts";
import { createRegistry } from "./create-registry.ts";

describe("probing whether a repository can be written", () => {
  test("begins an upload, cancels it and leaves nothing behind", async () => {
    await using server = await startTestRegistry();
    await using registry = createRegistry(`${server.host}/mirror`);
    await registry.repository("app").probeWrite();
    const asked = server.requests().map(({ method, status }) => `${method} ${status}`);
    expect(asked).toEqual(["POST 202", "DELETE 204"]);
    const [, cancelled] = server.requests();
    expect((await fetch(`${server.url}${cancelled?.path}`)).status).toBe(404); // the upload is gone
    await expect(Array.fromAsync(registry.repositories())).resolves.toEqual([]);
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
    await registry.repository("app").probeWrite();
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
