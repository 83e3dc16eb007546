import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anImage, startTestRegistry } from "@tranship/registry/testing";

/** Runs `use` with a registry that holds `team/app:v1.0.0` and a folder for its layers, and looks at what came of it. */
export async function withImageOnThisMachine(use: (host: string, folder: string) => Promise<void>): Promise<void> {
  await using server = await startTestRegistry();
  const image = anImage({ tag: "v1.0.0", files: { "etc/motd": "hello" } });
  server.seed("team/app", image);
  const folder = await mkdtemp(join(tmpdir(), "tranship-example-"));
  try {
    await use(server.host, folder);
    assert.deepEqual(await readdir(folder), [image.layers[0]?.digest.replace(":", "-")]);
    const attached = await Array.fromAsync(
      server.registry.repository("team/app").referrers(image.manifest.descriptor.digest),
    );
    assert.equal(attached.length, 1);
  } finally {
    await rm(folder, { recursive: true });
  }
}
