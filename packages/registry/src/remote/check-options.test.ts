import { expect, test } from "vitest";
import { openerOf } from "../testing/contract-support.ts";
import { aBlob, faults, startTestRegistry } from "../testing/index.ts";
import { createRegistry, type RegistryOptions } from "./create-registry.ts";

test.for<RegistryOptions>([
  { idleTimeoutMs: 0 },
  { idleTimeoutMs: -1 },
  { idleTimeoutMs: Number.NaN },
  { attempts: 0 },
  { attempts: 1.5 },
  { attempts: Number.NaN },
  { retryDelayMs: -1 },
  { retryDelayMs: Number.NaN },
  { retryDelayMs: Number.POSITIVE_INFINITY },
  { throttleWaitMs: -1 },
  { throttleWaitMs: Number.NaN },
  { uploadChunkBytes: 0 },
  { uploadChunkBytes: 1.5 },
  { limits: { meta: 0 } },
  { limits: { down: Number.POSITIVE_INFINITY } },
  { limits: { up: 1.5 } },
  { userAgent: "two\nlines" },
])("a registry cannot have %o", (options) => {
  const [name = ""] = Object.keys(options);
  expect(() => createRegistry("registry.example", options)).toThrow(RangeError);
  expect(() => createRegistry("registry.example", options)).toThrow(name);
});

test.for([Number.POSITIVE_INFINITY, 2 ** 31])("a registry may be silent for %s milliseconds", async (idleTimeoutMs) => {
  await using server = await startTestRegistry();
  server.fail(faults.slow({ delayMs: 20 }), { match: ({ method }) => method === "PUT" });
  await using registry = createRegistry(server.host, { idleTimeoutMs, attempts: 1 });
  const blob = aBlob({ size: 100 });
  expect(await registry.repository("app").pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
});
