import { open } from "node:fs/promises";
import { join } from "node:path";
import { createRegistry, type Digest, digestAlgorithm, digestHex } from "@tranship/registry";
import type { Seedable } from "@tranship/registry/testing";
import {
  describeDeleterContract,
  describeReaderContract,
  describeWriterContract,
} from "@tranship/registry/testing/contract";
import { describe } from "vitest";
import { goTool } from "../support/go-tools.ts";
import { startOlareg } from "../support/olareg.ts";
import { pushAll } from "../support/push-all.ts";

const { path: olareg, missing } = await goTool("olareg");
if (missing !== undefined) console.warn(`tests/conformance/olareg: skipped, ${missing}`);

async function anOlaregHome() {
  const server = await startOlareg(olareg ?? "olareg");
  const registry = createRegistry(`${server.host}/root`, { retryDelayMs: 1 });
  return {
    registry,
    seed: (path: string, ...things: readonly Seedable[]) => pushAll(registry.repository(path), ...things),
    corrupt: (path: string, digest: Digest) => flipFirstByte(join(server.directory, "root", path), digest),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Changes a stored blob behind the registry's back. */
async function flipFirstByte(layout: string, digest: Digest): Promise<void> {
  await using file = await open(join(layout, "blobs", digestAlgorithm(digest), digestHex(digest)), "r+");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 0);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, 0);
}

describe.skipIf(missing !== undefined)("against olareg", () => {
  // no list of repositories, and an empty list of tags for a repository that is not there
  const without = ["repositories", "unknownRepository"] as const;
  describeReaderContract("olareg through createRegistry", anOlaregHome, { without });
  describeWriterContract("olareg through createRegistry", anOlaregHome, { without });
  describeDeleterContract("olareg through createRegistry", anOlaregHome, { without });
});
