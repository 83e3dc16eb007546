import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { anImage, startTestRegistry } from "@tranship/registry/testing";
import { seedProduct } from "./support/seed-product.ts";

/**
 * Runs `tranship pull`, `push` and `verify` by configured/tranship.yaml alone, with registries on this machine in place of
 * those it names: two of them ask for passwords, and the file says where to find them.
 */
const source = { username: "reader", password: "of-the-source" };
const mirror = { username: "writer", password: "of-the-mirror" };
await using registry = await startTestRegistry({ credentials: source });
await using images = await startTestRegistry();
await using target = await startTestRegistry({ credentials: mirror });
seedProduct(registry, "demo/fe");
for (const tag of ["v1.0.0", "v1.1.0", "v2.0.0"]) images.seed("org/tool", anImage({ tag }));

const folder = await mkdtemp(join(tmpdir(), "tranship-example-"));
try {
  const text = await readFile(new URL("configured/tranship.yaml", import.meta.url), "utf8");
  const here = text
    .replaceAll("registry.example.com", registry.host)
    .replaceAll("ghcr.io", images.host)
    .replaceAll("mirror.internal", target.host);
  await writeFile(join(folder, "tranship.yaml"), here);
  await writeFile(join(folder, "mirror.login"), `${mirror.username}:${mirror.password}\n`);

  const program = fileURLToPath(new URL("../packages/cli/src/main.ts", import.meta.url));
  const env = { ...process.env, SOURCE_LOGIN: source.username, SOURCE_PASSWORD: source.password };
  for (const command of ["pull", "push", "verify"]) {
    const { stdout } = await promisify(execFile)(process.execPath, [program, command], { cwd: folder, env });
    console.log(`$ tranship ${command}\n${stdout}`);
  }
  const files = await readdir(join(folder, "bundle"));
  assert(files.some((name) => /^image-.*org_-tool\.tar\.0000\.chunk\.sha256$/.test(name)));
  const pushed = target.requests().filter(({ method, path }) => method === "PUT" && path.includes("/manifests/"));
  assert(pushed.some(({ path }) => /\/mirror\/fe\/third-party\/.*org\/tool\/manifests\/v1\.1\.0$/.test(path)));
} finally {
  await rm(folder, { recursive: true, force: true });
}
