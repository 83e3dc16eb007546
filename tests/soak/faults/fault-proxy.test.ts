import { createRegistry, isRegistryError } from "@tranship/registry";
import { aBlob, type BuiltBlob, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultFamilies } from "./fault-families.ts";
import { FaultProxy } from "./fault-proxy.ts";
import type { WireFault } from "./wire-fault.ts";

const blob: BuiltBlob = aBlob({ size: 20_000, seed: "read" });
const readFaults = Object.values(faultFamilies)
  .flat()
  .filter(({ kinds, applies }) => !applies && (kinds.includes("blob") || kinds.includes("connection")));
const writeFaults = Object.values(faultFamilies)
  .flat()
  .filter(({ kinds, name }) => kinds.includes("upload bytes") && name !== "tokens expired");

let server: TestRegistry;
beforeAll(async () => {
  server = await startTestRegistry();
  server.seed("app", blob);
});
afterAll(async () => await server[Symbol.asyncDispose]());

/** Who asks once, and does not wait long where that is what the fault is about. */
function client({ host }: FaultProxy, codes: WireFault["codes"] = []) {
  const idleTimeoutMs = codes.includes("TIMEOUT") ? 250 : 10_000;
  return createRegistry(host, { attempts: 1, retryDelayMs: 1, idleTimeoutMs, throttleWaitMs: 0 });
}

async function codeOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (isRegistryError(error)) return error.code;
    throw error;
  }
}

test("a proxy without faults passes everything on, and holds no connection of a client that has gone", async () => {
  await using proxy = await FaultProxy.start();
  proxy.leadTo(server.host);
  {
    await using remote = client(proxy);
    const chunks = await Array.fromAsync(remote.repository("app").fetchBlob(blob));
    expect(Buffer.concat(chunks).equals(blob.bytes)).toBe(true);
    const { bytes } = own("passed");
    expect(await push(remote, bytes)).toBe("written");
  }
  await expect.poll(() => proxy.connections).toBe(0);
});

describe.concurrent("of one try, and only of that", () => {
  test.for(readFaults)("$name breaks a read as it says", async (wire) => {
    await using proxy = await FaultProxy.start();
    proxy.leadTo(server.host);
    proxy.arm([{ wire, kinds: wire.kinds, skip: 0, times: 1, at: 0.5 }]);
    await using remote = client(proxy, wire.codes);
    const read = async () => Buffer.concat(await Array.fromAsync(remote.repository("app").fetchBlob(blob)));
    const code = await codeOf(read);
    expect([...proxy.fired().values()]).toEqual([1]);
    // a head that is cut short is left to the slower reader of heads, which asks for it again
    expect(wire.codes.length === 0 || wire.name === "end in the head" ? [undefined] : wire.codes).toContain(code);
    expect((await read()).equals(blob.bytes)).toBe(true);
  });

  test.for(writeFaults)("$name breaks an upload as it says, or is told apart from a failure", async (wire) => {
    await using proxy = await FaultProxy.start();
    proxy.leadTo(server.host);
    proxy.arm([{ wire, kinds: ["upload bytes"], skip: 0, times: 1, at: 0.5 }]);
    await using remote = client(proxy, wire.codes);
    const { bytes } = own(wire.name);
    const code = await codeOf(() => push(remote, bytes));
    expect([undefined, ...wire.codes]).toContain(code);
    proxy.disarm(); // on a busy machine it may not have come to it
    await using patient = client(proxy);
    expect(["present", "written"]).toContain(await push(patient, bytes));
  });
});

function own(seed: string): BuiltBlob {
  return aBlob({ size: 30_000, seed });
}

async function push(remote: ReturnType<typeof client>, bytes: Uint8Array): Promise<string> {
  const { digest, size } = aBlob({ content: bytes });
  return await remote.repository("app").pushBlob({ digest, size }, (offset) =>
    (async function* () {
      yield bytes.subarray(offset);
    })(),
  );
}
