import assert from "node:assert/strict";
import { join } from "node:path";
import { Bundle, BundleDirectory, downloadTotals, PackagesService, pull, pushBundle, verify } from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { onThisMachine, type Stage } from "./support/on-this-machine.ts";

/** The whole way of a product, told in one screen. */
async function demo({ from, to, folder, target }: Stage): Promise<void> {
  const startedMs = performance.now();
  const path = join(folder, "bundle");
  say("", "Tranship moves packages from one registry, through files, into another.");
  say("", "Everything below happens on this machine: two small registries and a temporary folder.\n");

  await using source = createRegistry(from);
  const packages = new PackagesService({ source });
  const list = await packages.plan();
  const totals = downloadTotals(list);
  say("plan", `${from} offers ${names(packages)}`);
  say("", `wanted by a release channel: ${totals.images} images in ${totals.blobs} pieces, ${size(totals.fetchBytes)}`);
  for (const { name, versions } of packages.stats().packages) say("", `  ${name.padEnd(8)} ${versions.join(", ")}`);

  const first = await pullInto(path, packages);
  say("pull", `${size(first.fetched.bytes)} fetched, each piece once, into ${first.archives.length} files:`);
  for (const { archive, bytes } of first.archives) say("", `  ${archive.padEnd(22)} ${size(bytes).padStart(8)}`);
  assert.equal(first.fetched.bytes, totals.fetchBytes, "a pull fetches exactly what the plan says");

  const second = await pullInto(path, packages);
  say("again", `pulling once more: nothing has changed, ${size(second.fetched.bytes)} fetched`);
  assert.equal(second.fetched.bytes, 0);

  await using mirror = createRegistry(to);
  await using bundle = await Bundle.open(path);
  const pushed = await pushBundle(bundle, mirror);
  say("push", `${pushed.images.written} images into ${to}, ${size(pushed.bytes.uploaded)} sent`);

  const { ok, images, blobs, bytes } = await verify(mirror, list);
  say(
    "verify",
    `${images} images, ${blobs} pieces, ${size(bytes)} read back and hashed: ${ok ? "all there" : "NOT WHOLE"}`,
  );
  assert.equal(ok, true);

  const writesBefore = writes(target);
  const repeated = await pushBundle(bundle, mirror);
  say(
    "again",
    `pushing once more: ${repeated.images.present} images are there already, ${size(repeated.bytes.uploaded)} sent`,
  );
  assert.equal(writes(target), writesBefore, "a second push writes nothing");

  say("", `\nDone in ${((performance.now() - startedMs) / 1000).toFixed(1)} s. On the command line the same is:`);
  say("", `  tranship pull bundle --source registry.example.com/fe`);
  say("", `  tranship push bundle mirror.internal/fe`);
  say("", `  tranship verify mirror.internal/fe --plan bundle/tranship.lock.json`);
}

async function pullInto(path: string, packages: PackagesService): ReturnType<typeof pull> {
  await using directory = await BundleDirectory.open(path);
  return await pull([packages], { to: directory });
}

function names(packages: PackagesService): string {
  const { packages: stats } = packages.stats();
  return `${stats.length} packages: ${stats.map(({ name }) => name).join(", ")}`;
}

function writes(registry: Stage["target"]): number {
  return registry.requests().filter(({ method }) => !["GET", "HEAD"].includes(method)).length;
}

function size(bytes: number): string {
  return bytes >= 1e5 ? `${(bytes / 1e6).toFixed(1)} MB` : bytes > 0 ? `${(bytes / 1e3).toFixed(1)} kB` : "nothing";
}

function say(step: string, text: string): void {
  console.log(`${step.padEnd(8)}${text}`);
}

await onThisMachine(demo);
