import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { inventoryOf } from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { aSource, pullInto, readPlan } from "../support/mirror.ts";
import { seedProduct, smallProduct } from "../support/product.ts";
import { runProgram } from "../support/run-program.ts";
import { transhipMain } from "../support/run-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";

const product = smallProduct.map((one) => ({ ...one, layerBytes: 50_000 }));
const grown = product.map((one) =>
  one.name === "console"
    ? { ...one, versions: [...one.versions, "v1.47.0"], channels: { ...one.channels, alpha: "v1.47.0" } }
    : one,
);

/** A bundle, in chunks, and one that was made over it. */
async function releases(): Promise<{ readonly base: string; readonly delta: string }> {
  const folder = tempFolder();
  const [base, delta] = [join(folder, "base"), join(folder, "delta")];
  await using source = await aSource(product);
  await pullInto(base, source.host, [], { chunkBytes: 100_000 });
  await using client = createRegistry(`${source.host}/demo/fe`);
  await seedProduct(client, grown);
  await pullInto(delta, source.host, [], { base: inventoryOf(readPlan(base)) });
  return { base, delta };
}

/** Serves on a free port, and gives the address once that is said. It is stopped with the test. */
async function serve(...places: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [transhipMain, "serve", ...places, "--listen", "127.0.0.1:0"]);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const closed = once(child, "close").then(() => [""]);
  const [line] = (await Promise.race([once(createInterface(child.stdout), "line"), closed])) as [string];
  const host = /http:\/\/(127\.0\.0\.1:[0-9]+)/.exec(line)?.[1];
  if (host === undefined) throw new Error(`it does not serve: ${stderr}`);
  return host;
}

test("a bundle made over another is verified alone for what it is, and with its base as a whole", async () => {
  const { base, delta } = await releases();
  const [evidence, again] = [join(tempFolder(), "evidence.json"), join(tempFolder(), "again.json")];
  const alone = await runProgram("verify", delta, "--evidence", evidence);
  expect(alone).toMatchObject({ code: 0, stderr: "" });
  expect(alone.stdout).toMatch(/ \d+ blobs? \(.*\) (is|are) not in it: a base has to bring them\n/);
  expect(alone.stdout).toContain("is whole over its base");
  const told = JSON.parse(readFileSync(evidence, "utf8"));
  expect(told).toMatchObject({
    version: 1,
    kind: "verification",
    place: `bundle:${delta}`,
    ok: true,
    locks: [{ directory: delta, digest: expect.stringMatching(/^sha256:/) }],
    findings: [],
  });
  expect(told.assumed.blobs).toBeGreaterThan(0);
  expect(told.repositories.map(({ path }: { path: string }) => path)).toContain("packages/console");

  const chunk = readdirSync(base).find((name) => name.startsWith("package-console") && name.endsWith(".chunk")) ?? "";
  for (const places of [
    [base, delta],
    [delta, `bundle:${base}`],
  ]) {
    const together = await runProgram("verify", ...places, "--evidence", again);
    expect(together).toMatchObject({ code: 0, stdout: expect.stringMatching(/ is whole: /) });
    expect(JSON.parse(readFileSync(again, "utf8"))).toMatchObject({ assumed: { blobs: 0, bytes: 0 }, ok: true });
  }
  expect(await runProgram("verify", join(base, chunk))).toMatchObject({ code: 0 });
});

test("bundles are served as one registry, from media that cannot be written", async () => {
  const { base, delta } = await releases();
  for (const folder of [base, delta]) chmodSync(folder, 0o500);
  onTestFinished(() => {
    for (const folder of [base, delta]) chmodSync(folder, 0o700);
  });
  const host = await serve(base, delta);
  const plan = join(delta, "tranship.lock.json");
  expect(await runProgram("verify", `registry:${host}`, "--plan", plan)).toMatchObject({ code: 0, stderr: "" });
  const repositories = readPlan(delta).archives.flatMap(({ sections }) => sections.flatMap((one) => one.repositories));
  const [left] = repositories.flatMap(({ path, assumed = [] }) => assumed.map((blob) => ({ path, ...blob })));
  const url = `http://${host}/v2/${left?.path}/blobs/${left?.digest}`;
  const whole = new Uint8Array(await (await fetch(url)).arrayBuffer());
  expect(whole.byteLength).toBe(left?.size);
  const part = await fetch(url, { headers: { range: "bytes=5-9" } });
  expect(part.status).toBe(206);
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(whole.slice(5, 10));
});

test("a bundle that lacks its base is not served, and that is said before anyone could connect", async () => {
  const { delta } = await releases();
  const { code, stdout, stderr } = await runProgram("serve", delta, "--listen", "127.0.0.1:0", "--json");
  expect(code).toBe(1);
  const [failure, ...others] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(others).toEqual([]);
  expect(failure).toMatchObject({ type: "failure", code: "BASE_MISSING", details: { blobs: expect.any(Number) } });
  expect(failure.details.references[0]).toMatch(/^packages\/.*@sha256:/);
  expect(stderr).toContain("made over a base");
});

describe("on the command line", () => {
  let folder = "";
  let archive = "";
  beforeAll(async () => {
    await using source = await aSource();
    folder = mkdtempSync(join(tmpdir(), "tranship-together-"));
    await pullInto(folder, source.host);
    archive = join(folder, "package-console.tar");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.for<{
    readonly name: string;
    readonly args: () => readonly string[];
    readonly code: number;
    readonly says: string;
  }>([
    { name: "a plan that is away", args: () => [archive, "--plan", "/nope"], code: 2, says: "/nope" },
    { name: "a plan that is a folder", args: () => [archive, "--plan", "/tmp"], code: 2, says: "/tmp" },
    { name: "a registry among bundles", args: () => [archive, "registry:127.0.0.1:9"], code: 2, says: "only bundles" },
    { name: "one bundle that is away", args: () => [archive, "bundle:away"], code: 2, says: "there is no such" },
    { name: "an archive by itself", args: () => [archive], code: 0, says: "" },
  ])("verify takes or refuses $name", async ({ args, code, says }) => {
    const run = await runProgram("verify", ...args());
    expect(run.code).toBe(code);
    expect(run.stderr).toContain(says);
    expect(run.stderr).not.toContain("at async");
  });
});
