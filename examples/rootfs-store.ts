import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
//#region build
import { type BuildResult, buildExt4, prepareSource } from "@tranship/core/rootfs";
import { createRegistries, dockerCredentials } from "@tranship/registry";
import addAgent from "./hooks/add-agent.ts";

/** Builds the ext4 image of an image in a registry into the artifact store. */
export async function buildImage(imageRef: string, artifactId: string, signal: AbortSignal): Promise<BuildResult> {
  await using registries = createRegistries({ credentials: dockerCredentials() });
  const source = await prepareSource({ imageRef, from: registries.of }, { signal }); // pinned by digest from here on
  try {
    return await buildExt4(source, {
      artifactId, // one build of it at a time; what is published stays until a better one is
      postRootfsExport: (files) => addAgent(files, source), // what it throws ends the build
      signal,
      onEvent: (event) => {
        if (event.type === "stage.finished") console.log(`${event.stage}: ${Math.round(event.elapsedMs)} ms`);
      },
    });
  } finally {
    await source.cleanup();
  }
}
//#endregion

// Run as a script, it does so with an image on this machine, in a store that goes when it ends.
const { findExt4Tools } = await import("@tranship/core/rootfs");
const { anImage } = await import("@tranship/registry/testing");
const { onThisMachine } = await import("./support/on-this-machine.ts");

await onThisMachine(async ({ source, folder }) => {
  const platform = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };
  const files = { "etc/os-release": "NAME=example\n" };
  source.seed("team/app", anImage({ tag: "v1", files, size: 100_000, platform }));
  process.env.CUBE_TEMPLATE_CENTER_ARTIFACT_STORE_DIR = join(folder, "store");
  process.env.CUBE_TEMPLATE_CENTER_ARTIFACT_WORK_DIR = join(folder, "work");
  const tools = await findExt4Tools().catch(() => undefined);
  if (tools === undefined) return console.log("no e2fsprogs here: nothing is built");
  const { ext4Path, sha256, sizeBytes } = await buildImage(
    `${source.host}/team/app:v1`,
    "app-1",
    AbortSignal.timeout(60_000),
  );
  assert.equal((await stat(ext4Path)).size, sizeBytes);
  console.log(`${ext4Path}: ${sizeBytes} bytes, ${sha256}`);
});
