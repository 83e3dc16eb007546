import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pushBundle } from "@tranship/core";
import { createRegistry, type Digest, MemoryRegistry } from "@tranship/registry";
import {
  aLayer,
  anArtifact,
  anImage,
  anIndex,
  faults,
  seedMemory,
  startTestRegistry,
  type TestRegistry,
} from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { aSource, pullInto } from "../support/mirror.ts";
import { runProgram, runProgramIn } from "../support/run-program.ts";
import { startTranship } from "../support/start-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../support/tmpfs.ts";
import { lacking } from "../support/tools.ts";

type Line = Readonly<Record<string, unknown>> & { readonly type: string };

function linesOf(text: string): readonly Line[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

/** A bundle of the made-up product. */
async function aBundle(include?: readonly string[], chunkBytes?: number): Promise<string> {
  await using source = await aSource();
  const folder = tempFolder();
  await pullInto(folder, source.host, include, chunkBytes === undefined ? {} : { chunkBytes });
  return folder;
}

const writesOf = (server: TestRegistry) =>
  server.requests().filter(({ method }) => method !== "GET" && method !== "HEAD");

async function repositoriesOf(registry: MemoryRegistry): Promise<readonly string[]> {
  return await Array.fromAsync(registry.repositories());
}

describe("what is pushed", () => {
  test("--file takes archives without a bundle, and a chunk stands for its archive", async () => {
    const [plain, chunked] = [await aBundle(["alb@=v1.1.0"]), await aBundle(["console@=v1.46.0"], 20_000)];
    await using target = await startTestRegistry();
    const alb = await runProgram("push", "--file", join(plain, "package-alb.tar"), `${target.host}/fe`);
    expect(alb).toMatchObject({ code: 0, stderr: "" });
    expect(await repositoriesOf(target.registry)).toEqual([
      "fe/packages",
      "fe/packages/alb",
      "fe/packages/alb/version",
    ]);
    const [chunk = ""] = readdirSync(chunked).filter((name) => /^package-console\.tar\.0001\.chunk$/.test(name));
    const both = ["--file", join(plain, "package-versions.tar"), "--file", join(chunked, chunk)];
    expect((await runProgram("push", ...both, `${target.host}/fe`)).code).toBe(0);
    expect(await target.registry.repository("fe/packages/console").resolve("v1.46.0")).toBeDefined();
  });

  test("several bundles are one push", async () => {
    const [one, other] = [await aBundle(["alb@=v1.1.0"]), await aBundle(["console@=v1.46.0"])];
    await using target = await startTestRegistry();
    const { code, stdout } = await runProgram("push", one, `bundle:${other}`, `${target.host}/fe`, "--json");
    expect(code).toBe(0);
    expect(linesOf(stdout).at(-1)).toMatchObject({ command: "push", packages: ["alb", "console"], withoutTag: 0 });
  });

  test.for([
    { name: "nothing to push", args: ["localhost:1/fe"] },
    { name: "a conflict rule that does not exist", args: ["b", "localhost:1/fe", "--on-conflict", "ask"] },
    { name: "a suffix that is no path", args: ["b", "localhost:1/fe", "--modules-path-suffix", "a:b"] },
  ])("$name is wrong usage", async ({ args }) => {
    const { code, stdout, stderr } = await runProgram("push", ...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).not.toBe("");
  });
});

test("a dry run says what a push then says, and one line tells of packages that go elsewhere", async () => {
  const bundle = await aBundle();
  await using target = await startTestRegistry();
  const args = ["push", bundle, `${target.host}/fe`, "--packages-path-suffix", "/"];
  const dry = await runProgram(...args, "--dry-run");
  expect(writesOf(target)).toEqual([]);
  const real = await runProgram(...args);
  expect([dry.code, real.code]).toEqual([0, 0]);
  const rows = (text: string) => text.split("\n").filter((line) => line.startsWith("  ") && !line.includes("refuse"));
  expect(rows(real.stdout)).toEqual(rows(dry.stdout));
  expect(real.stdout).toMatch(/^ {2}packages +2 at the target's root, not packages$/m);
  expect(real.stderr.match(/^warning: packages go to the target's root/gm)).toHaveLength(1);
  expect(await repositoriesOf(target.registry)).toEqual([
    "fe",
    "fe/alb",
    "fe/alb/version",
    "fe/console",
    "fe/console/version",
  ]);
});

test("neither a dry run nor a bundle that is not there makes the folder it would go to", async () => {
  const bundle = await aBundle();
  const folder = join(tempFolder(), "new");
  const dry = await runProgram("push", bundle, `oci:${folder}`, "--dry-run");
  expect([dry.code, existsSync(folder)]).toEqual([0, false]);
  for (const away of [[join(bundle, "away")], ["--file", join(bundle, "away.tar")]]) {
    const { code, stderr } = await runProgram("push", ...away, `oci:${folder}`);
    expect([code, existsSync(folder)]).toEqual([2, false]);
    expect(stderr).toContain("away");
  }
  const real = await runProgram("push", bundle, `oci:${folder}`);
  const withoutTime = (text: string) => text.replace(/^took .*\n/m, "");
  const expected = withoutTime(dry.stdout).replace("would push", "pushed");
  expect([real.code, withoutTime(real.stdout)]).toEqual([0, expected.replace(/.*refuse.*\n/, "")]);
});

test("--on-conflict fail names the tags and writes nothing, skip leaves them", async () => {
  const bundle = await aBundle();
  await using target = await startTestRegistry();
  target.seed("fe/packages/alb/version", anImage({ tag: "stable", seed: "ours" }));
  const failed = await runProgram("push", bundle, `${target.host}/fe`, "--on-conflict", "fail");
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain("packages/alb/version:stable");
  expect(failed.stderr).toContain("--on-conflict skip");
  expect(writesOf(target)).toEqual([]);
  const skipped = await runProgram("push", bundle, `${target.host}/fe`, "--on-conflict", "skip");
  expect(skipped.stdout).toContain("1 left as they are");
  expect(skipped.stderr).toContain("warning: a tag names another image at the target and is left so");
});

describe("the write probe", () => {
  test("fails a push before it writes; without it the first write does", async () => {
    const bundle = await aBundle(["alb@=v1.1.0"]);
    await using target = await startTestRegistry();
    target.fail(faults.status(403), { match: /^POST/, times: 99 });
    const probed = await runProgram("push", bundle, `${target.host}/fe`);
    expect(probed.code).toBe(1);
    expect(probed.stderr).toContain(`cannot write to ${target.host}/fe/packages`);
    expect(writesOf(target)).toHaveLength(1);
    const flagged = await runProgram("push", bundle, `${target.host}/fe`, "--no-write-probe");
    expect(flagged.stderr).toContain("cannot push packages/");
    const variables = { MIRROR_BYPASS_ACCESS_CHECKS: "1" };
    const bypassed = await runProgramIn(variables, "push", bundle, `${target.host}/fe`);
    expect(bypassed.stderr).toContain("cannot push packages/");
  });
});

const manyBlobs = 40;

/** A bundle of one package of many layers, and a target that takes its time. */
async function aLongPush(): Promise<{ readonly bundle: string; readonly target: TestRegistry }> {
  await using source = await startTestRegistry();
  const layers = Array.from({ length: manyBlobs }, (_, seed) => aLayer({ size: 20_000, seed }));
  source.seed("demo/fe/packages", anImage({ tag: "big" }));
  source.seed("demo/fe/packages/big", anImage({ tag: "v1", layers }));
  const bundle = tempFolder();
  await pullInto(bundle, source.host, ["big@=v1"]);
  const target = await startTestRegistry();
  target.fail(faults.slow({ delayMs: 20 }), { match: /^PUT/, times: 9999 });
  return { bundle, target };
}

/** Calls `act` once so many blobs have arrived. */
function afterBlobs(count: number, act: () => void): (text: string) => void {
  let seen = 0;
  return (text) => {
    const before = seen;
    seen += text.split('"blob.finished"').length - 1;
    if (before < count && seen >= count) act();
  };
}

test("a killed push, run again, sends nothing that had arrived", async () => {
  const { bundle, target } = await aLongPush();
  await using _target = target;
  const args = ["push", bundle, `${target.host}/fe`, "--json"];
  const { child, ended } = startTranship(args, { onStdout: afterBlobs(10, () => child.kill("SIGKILL")) });
  expect((await ended).signal).toBe("SIGKILL");
  const repository = target.registry.repository("fe/packages/big");
  target.reset();
  const again = startTranship(args);
  const { code, stdout } = await again.ended;
  expect(code).toBe(0);
  const lines = linesOf(stdout);
  const sent = lines.filter(({ type }) => type === "blob.finished").map(({ digest }) => digest as Digest);
  const { blobs, bytes } = lines.at(-1) as unknown as Awaited<ReturnType<typeof pushBundle>>;
  expect(blobs.present).toBeGreaterThanOrEqual(10);
  expect(blobs.present + blobs.written + blobs.mounted).toBeGreaterThan(manyBlobs);
  expect(new Set(sent).size).toBe(sent.length);
  const received = target.requests().reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
  expect(received).toBe(bytes.uploaded + bytes.manifests);
  expect(await repository.resolve("v1")).toBeDefined();
});

test("an interrupted push ends with 130, says that it was cancelled and what it had done", async () => {
  const { bundle, target } = await aLongPush();
  await using _target = target;
  const args = ["push", bundle, `${target.host}/fe`, "--json"];
  const { child, ended } = startTranship(args, { onStdout: afterBlobs(5, () => child.kill("SIGINT")) });
  const { code, stdout } = await ended;
  expect(code).toBe(130);
  const [stopped, failure] = linesOf(stdout).slice(-2);
  expect(stopped).toMatchObject({ type: "push.stopped", reason: "cancelled", tags: { written: 0 } });
  const { written } = (stopped as unknown as { readonly blobs: { readonly written: number } }).blobs;
  expect(written).toBeGreaterThanOrEqual(5);
  expect(failure).toMatchObject({ type: "failure", message: "interrupted by SIGINT" });
});

if (noTmpfs !== undefined) console.warn(`mirror/push: skipped with small file systems: ${noTmpfs}`);

test.skipIf(noTmpfs !== undefined)(
  "a folder that is too small is refused with numbers before the first byte",
  async () => {
    const bundle = await aBundle();
    const folder = tmpfs(128 * 1024);
    const { code, stdout } = await runProgram("push", bundle, `oci:${folder}`, "--json");
    expect(code).toBe(1);
    const failure = linesOf(stdout).at(-1);
    expect(failure).toMatchObject({ code: "NO_SPACE", details: { path: folder, freeBytes: 128 * 1024 } });
    const { neededBytes } = (failure?.details ?? {}) as { readonly neededBytes?: number };
    expect(neededBytes).toBeGreaterThan(128 * 1024);
    expect(readdirSync(folder)).toEqual([]);
    const dry = await runProgram("push", bundle, `oci:${folder}`, "--json", "--dry-run");
    const { bytes } = linesOf(dry.stdout).at(-1) as unknown as Awaited<ReturnType<typeof pushBundle>>;
    expect(bytes.uploaded + bytes.manifests).toBe(neededBytes);
  },
);

const docker = "docker-registry";

if (lacking(docker).length > 0) console.warn("mirror/push: skipped with docker-registry, which is not installed");

describe.skipIf(lacking(docker).length > 0)("into docker-registry, which has no referrers API", () => {
  const image = anImage({ tag: "v1" });
  const { digest } = image.manifest.descriptor;
  const sbom = anArtifact({ subject: image, artifactType: "application/sbom" });
  const signature = anArtifact({ subject: image, artifactType: "application/signature" });

  test("a list of referrers is added to the one the target has, and once", async () => {
    await using server = await startDockerRegistry();
    await using target = createRegistry(`${server.host}/fe`);
    const tag = digest.replace(":", "-");
    const listOf = (...listed: readonly (typeof sbom)[]) => {
      const source = new MemoryRegistry();
      seedMemory(source, "app", [image, anIndex({ images: listed, tag })]);
      return source;
    };
    await pushBundle(listOf(signature), target);
    const report = await pushBundle(listOf(sbom), target);
    expect(report.referrers).toEqual({ written: 1, present: 0, kept: 0 });
    const listed = await Array.fromAsync(target.repository("app").referrers(digest));
    expect(listed.map((entry) => entry.digest)).toEqual(
      [signature, sbom].map(({ manifest }) => manifest.descriptor.digest),
    );
    const list = await target.repository("app").resolve(tag);
    const again = await pushBundle(listOf(sbom, signature), target);
    expect(again.referrers).toEqual({ written: 0, present: 2, kept: 0 });
    expect(again.bytes).toEqual({ uploaded: 0, mounted: 0, present: 0, manifests: 0 });
    expect(await target.repository("app").resolve(tag)).toEqual(list);
  });

  test("the write probe leaves no upload behind", async () => {
    await using server = await startDockerRegistry();
    await using target = createRegistry(`${server.host}/fe`);
    const source = new MemoryRegistry();
    for (const path of ["install", "packages/app"]) seedMemory(source, path, [anImage({ tag: "v1", seed: path })]);
    await pushBundle(source, target);
    const left = readdirSync(server.directory, { recursive: true, encoding: "utf8" });
    expect(left.filter((name) => name.endsWith("_uploads")).length).toBeGreaterThan(0);
    expect(left.filter((name) => /_uploads\/./.test(name))).toEqual([]);
  });
});
