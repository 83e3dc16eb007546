import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { digestOf } from "@tranship/registry";
import { anImage } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { pushAll } from "../support/push-all.ts";
import { serveLayouts, serveMemory } from "../support/served-homes.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const run = promisify(execFile);
const missing = lacking("skopeo");
if (missing.length > 0) console.warn("tests/interop/skopeo-sync: skipped, skopeo is not installed");

const images = [anImage({ tags: ["v1", "latest"], seed: "one" }), anImage({ tag: "v2", docker: true })];
const tags = ["latest", "v1", "v2"];

async function sync(...args: readonly string[]): Promise<void> {
  await run("skopeo", ["sync", "--src-tls-verify=false", "--dest-tls-verify=false", ...args], { timeout: 60_000 });
}

test.skipIf(missing.length > 0).for([
  { home: "memory", serve: serveMemory, auth: undefined },
  { home: "a folder of layouts", serve: serveLayouts, auth: undefined },
  { home: "memory, for bearers of tokens", serve: serveMemory, auth: "bearer" },
] as const)("skopeo syncs every tag of $home into a folder and back", async ({ serve, auth: scheme }) => {
  const credentials = { username: "ann", password: "secret" };
  await using server = await serve(scheme && { auth: { scheme, credentials } });
  const account = scheme ? ["--src-creds=ann:secret", "--dest-creds=ann:secret"] : [];
  await pushAll(server.registry.repository("demo/app"), ...images);
  const folder = tempFolder();

  await sync("--src=docker", "--dest=dir", "--scoped", ...account, `${server.host}/demo/app`, folder);
  const scope = join(folder, server.host, "demo");
  expect((await readdir(scope)).sort()).toEqual(tags.map((tag) => `app:${tag}`));
  await sync("--src=dir", "--dest=docker", ...account, scope, `${server.host}/back`);

  const back = server.registry.repository("back/app");
  for (const { manifest, tags } of images) {
    const { digest } = manifest.descriptor;
    for (const tag of tags) {
      expect(digestOf(await readFile(join(scope, `app:${tag}`, "manifest.json")))).toBe(digest);
      expect(await back.resolve(tag)).toMatchObject(manifest.descriptor);
    }
  }
  expect((await Array.fromAsync(back.tags())).sort()).toEqual(tags);
});
