import { createRegistry } from "@tranship/registry";
import { aBlob, anArtifact, anImage, anIndex, type Seedable } from "@tranship/registry/testing";
import { describeReaderContract, type ReaderHome } from "@tranship/registry/testing/contract";
import { describe, expect, test } from "vitest";
import { goTool } from "../../support/go-tools.ts";
import { pieces, pushAll } from "../../support/push-all.ts";
import { type ServerProgram, startServerProgram } from "../../support/server-program.ts";

const { path: crane, missing } = await goTool("crane");
if (missing !== undefined) throw new Error(missing);

async function startCrane(): Promise<ServerProgram> {
  return await startServerProgram(crane ?? "crane", ({ port }) => {
    return ["registry", "serve", "--address", `127.0.0.1:${port}`];
  });
}

/** The registry of go-containerregistry, which many tools carry along. It keeps its content in memory. */
async function aCraneHome(): Promise<ReaderHome> {
  const server = await startCrane();
  const registry = createRegistry(`${server.host}/root`, { retryDelayMs: 1 });
  return {
    registry,
    seed: (path: string, ...things: readonly Seedable[]) => pushAll(registry.repository(path), ...things),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

// The contracts of writing and deleting ask for more than it has: its repositories share all blobs, and a manifest
// that is deleted leaves its tags.
describe("against the registry of go-containerregistry", () => {
  describeReaderContract("it through createRegistry", aCraneHome, { without: ["sha512"] });

  test("takes what is pushed, in one piece and in chunks, and lists what refers to it", async () => {
    await using server = await startCrane();
    for (const uploadChunkBytes of [undefined, 100_000]) {
      await using registry = createRegistry(server.host, { retryDelayMs: 1, uploadChunkBytes });
      const repository = registry.repository(uploadChunkBytes === undefined ? "whole" : "chunks");
      const blob = aBlob({ size: 1_000_000, seed: String(uploadChunkBytes) });
      const open = (offset: number) => pieces(blob.bytes.subarray(offset));
      expect(await repository.pushBlob(blob, open)).toBe("written");
      expect(await repository.pushBlob(blob, open)).toBe("present");
      const image = anImage({ seed: "one" });
      const index = anIndex({ tag: "v1", images: [image, anImage({ seed: "two" })] });
      const artifact = anArtifact({ subject: index, artifactType: "application/x.signature" });
      await pushAll(repository, index, artifact);
      const { digest } = index.manifest.descriptor;
      expect((await repository.resolve("v1"))?.digest).toBe(digest);
      const found = await Array.fromAsync(repository.referrers(digest));
      expect(found.map((descriptor) => descriptor.digest)).toEqual([artifact.manifest.descriptor.digest]);
    }
  });
});
