import { open } from "node:fs/promises";
import { join } from "node:path";
import { createRegistry, type Digest, digestAlgorithm, digestHex } from "@tranship/registry";
import type { Seedable } from "@tranship/registry/testing";
import type { DeleterHome, ReaderHome, WriterHome } from "@tranship/registry/testing/contract";
import { startDockerRegistry } from "./docker-registry.ts";
import { pushAll } from "./push-all.ts";

/** Our client at a `docker-registry` of its own, as all contracts want it. `program` is another build of it. */
export async function aDockerHome(program?: string): Promise<DeleterHome & ReaderHome & WriterHome> {
  const server = await startDockerRegistry(program);
  const registry = createRegistry(`${server.host}/root`, { retryDelayMs: 1 });
  return {
    registry,
    seed: (path: string, ...things: readonly Seedable[]) => pushAll(registry.repository(path), ...things),
    corrupt: (_path: string, digest: Digest) => flipFirstByte(server.directory, digest),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Changes a stored blob behind the registry's back. */
async function flipFirstByte(directory: string, digest: Digest): Promise<void> {
  const hex = digestHex(digest);
  const algorithm = digestAlgorithm(digest);
  const folder = join(directory, "docker/registry/v2/blobs", algorithm, hex.slice(0, 2), hex);
  await using file = await open(join(folder, "data"), "r+");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 0);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, 0);
}
