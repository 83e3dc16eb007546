import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { listOf } from "../testing/contract-support.ts";
import { anImage, anIndex, startTestRegistry } from "../testing/index.ts";

const run = promisify(execFile);
const hasTools = await Promise.all([run("skopeo", ["--version"]), run("umoci", ["--version"])]).then(
  () => true,
  () => false,
);

const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];

async function skopeo(...args: readonly string[]): Promise<string> {
  return (await run("skopeo", ["--insecure-policy", ...args])).stdout;
}

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "skopeo-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test.skipIf(!hasTools)("an image made by umoci goes in and out by skopeo unchanged", async () => {
  const folder = await aFolder();
  const [layout, back] = [join(folder, "layout"), join(folder, "back")];
  await mkdir(join(folder, "root"));
  await writeFile(join(folder, "root", "hello"), "hello\n".repeat(50_000));
  await run("umoci", ["init", "--layout", layout]);
  await run("umoci", ["new", "--image", `${layout}:v1`]);
  await run("umoci", ["insert", "--rootless", "--image", `${layout}:v1`, join(folder, "root"), "/srv"]);
  await using registry = await startTestRegistry();
  await skopeo("copy", ...insecure, `oci:${layout}:v1`, `docker://${registry.host}/demo/app:v1`);
  await skopeo("copy", ...insecure, `docker://${registry.host}/demo/app:v1`, `oci:${back}:v1`);
  const digests = async (of: string) => {
    const index = JSON.parse(await readFile(join(of, "index.json"), "utf8")) as { manifests: { digest: string }[] };
    return index.manifests.map(({ digest }) => digest);
  };
  const stored = await registry.registry.repository("demo/app").resolve("v1");
  expect(await digests(layout)).toEqual([stored?.digest]);
  expect(await digests(back)).toEqual([stored?.digest]);
});

test.skipIf(!hasTools)("an index of Docker images is copied whole between repositories, with credentials", async () => {
  const credentials = { username: "ann", password: "secret" };
  await using registry = await startTestRegistry({ credentials });
  const platforms = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));
  const images = platforms.map((platform) => anImage({ docker: true, platform, files: { ...platform } }));
  const index = anIndex({ tag: "v1", docker: true, images, platforms });
  registry.seed("demo/app", index);
  const account = ["--src-creds=ann:secret", "--dest-creds=ann:secret"];
  const source = `docker://${registry.host}/demo/app:v1`;
  await skopeo("copy", "--all", ...insecure, ...account, source, `docker://${registry.host}/demo/copy:v1`);
  const copy = registry.registry.repository("demo/copy");
  expect((await copy.manifest("v1")).bytes).toEqual(index.manifest.bytes);
  for (const { manifest } of images) {
    expect(await copy.resolve(manifest.descriptor.digest)).toEqual(manifest.descriptor);
  }
  const listed = await skopeo("list-tags", "--tls-verify=false", "--creds=ann:secret", source.replace(/:v1$/, ""));
  expect(JSON.parse(listed)).toMatchObject({ Tags: await listOf(copy.tags()) });
});
