import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { promisify } from "node:util";
import {
  Bundle,
  BundleDirectory,
  type DownloadList,
  isMirrorError,
  type MirrorEvent,
  PackagesService,
  pull,
  pushBundle,
  verify,
} from "@tranship/core";
import { createRegistry, isRegistryError, type RegistryErrorDetails, type RepositoryReader } from "@tranship/registry";
import { type Digest, parseDigest } from "@tranship/registry/oci";
import { type ServerOptions, startServer } from "@tranship/registry/server";
import { aLayer, anImage, startTestRegistry, type TestRegistryOptions } from "@tranship/registry/testing";
import type { ReaderHome } from "@tranship/registry/testing/contract";

// A user's program: every entry point is imported from `dist`, and one package goes the whole way, with this Node, from
// one registry through files into another; then the program `tranship` plans it. Arguments: that program, the entry points.
const [program = "", ...entries] = process.argv.slice(2);
const contractOnly = "@tranship/registry/testing/contract"; // needs vitest, which runs it

for (const entry of entries) {
  assert.match(import.meta.resolve(entry), /\/dist\/.*\.js$/, entry);
  if (entry !== contractOnly) assert.ok(Object.keys(await import(entry)).length > 0, entry);
}

const credentials = { username: "robot", password: "secret" };
const options: TestRegistryOptions = { auth: { scheme: "bearer", credentials } };
await using from = await startTestRegistry();
await using to = await startTestRegistry(options);
const app = anImage({ tag: "v1.0.0", layers: [aLayer({ files: { "bin/app": "app" }, size: 100_000 })] });
from.seed("fe/packages", anImage({ tag: "app" }));
from.seed("fe/packages/app", app);
const release = { "version.json": '{"version":"v1.0.0"}' };
from.seed("fe/packages/app/version", anImage({ tags: ["v1.0.0", "stable"], files: release }));

await using source = createRegistry(`${from.host}/fe`);
await using target = createRegistry(`${to.host}/mirror`, { credentials });
const folder = mkdtempSync("bundle-");
const seen: MirrorEvent["type"][] = [];
const packages = new PackagesService({ source });
packages.on("archive.finished", ({ type, bytes }) => bytes > 0 && seen.push(type));
const list: DownloadList = await packages.plan();
{
  await using directory = await BundleDirectory.open(folder);
  const report = await pull([packages], { to: directory, signal: AbortSignal.timeout(60_000) });
  assert.ok(report.images >= 3);
}
assert.ok(seen.length > 0);
{
  await using bundle = await Bundle.open(folder);
  await pushBundle(bundle, target);
}
assert.equal((await verify(target, list)).ok, true);
rmSync(folder, { recursive: true });

const digest: Digest = parseDigest(`sha256:${"0".repeat(64)}`);
const reader: RepositoryReader = source.repository("packages/app");
const failure: unknown = await reader.manifest(digest).catch((error: unknown) => error);
if (!isRegistryError(failure, "NOT_FOUND")) throw failure;
const details: RegistryErrorDetails["NOT_FOUND"] = failure.details;
assert.match(details.reference, /packages\/app/);
assert.equal(isMirrorError(failure, "ARCHIVE_INVALID"), false);

const home = { registry: from.registry, seed: from.seed.bind(from) } satisfies Partial<ReaderHome>;
const serverOptions: ServerOptions = { port: 0 };
await using served = await startServer(home.registry, serverOptions);
assert.match(served.url, /^http:/);

const args = [program, "plan", "--source", `${served.host}/fe`, "--include-package", "app", "--json"];
const { stdout } = await promisify(execFile)(process.execPath, args);
assert.ok(stdout.includes(app.manifest.descriptor.digest), "the plan of the program names the image");

// its threads are files of their own, beside it
const image = `${from.host}/fe/packages/app:v1.0.0`;
const tree = mkdtempSync("tree-");
await promisify(execFile)(process.execPath, [program, "rootfs", image, "--output", tree, "--replace", "--json"]);
assert.equal(readFileSync(`${tree}/bin/app`, "utf8").slice(0, 3), "app");
rmSync(tree, { recursive: true });
