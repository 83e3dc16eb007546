import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { createRegistry } from "@tranship/registry";
import { anImage, faults, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { seedProduct } from "../support/product.ts";
import { runProgram } from "../support/run-program.ts";
import { runTranship, transhipMain } from "../support/run-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";

type TestRegistry = Awaited<ReturnType<typeof startTestRegistry>>;

async function aSource(options?: Parameters<typeof startTestRegistry>[0]): Promise<TestRegistry> {
  const registry = await startTestRegistry(options);
  await using client = createRegistry(`${registry.host}/demo/fe`, options ?? {});
  await seedProduct(client);
  registry.reset();
  return registry;
}

/** Resolves when the stream has said `text`; the rest of it is read and dropped. */
function untilSaid(stream: Readable, text: string): Promise<void> {
  let said = "";
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk) => {
      said += chunk;
      if (said.includes(text)) resolve();
    });
    stream.on("end", () => reject(new Error(`ended without ${text}: ${said}`)));
  });
}

function lastLine(text: string): Record<string, unknown> {
  return JSON.parse(text.trim().split("\n").at(-1) ?? "{}");
}

describe("the main job", () => {
  test("plan, pull, push and verify, and again without sending anything", async () => {
    await using source = await aSource();
    await using target = await startTestRegistry();
    const folder = tempFolder();
    const [bundle, plan] = [join(folder, "bundle"), join(folder, "plan.json")];
    const from = `${source.host}/demo/fe`;
    const to = `${target.host}/mirror/fe`;

    const planned = await runTranship("plan", "--source", from, "-o", plan);
    expect(planned).toMatchObject({ code: 0, stderr: expect.stringMatching(/^warning: .*there are no modules.*\n$/) });
    expect(planned.stdout).toContain("package-console.tar");
    expect(planned.stdout).toContain("to fetch");

    const pulled = await runTranship("pull", bundle, "--source", from);
    expect(pulled.code).toBe(0);
    expect(pulled.stdout).toContain("3 archives written");
    const lock = JSON.parse(readFileSync(join(bundle, "tranship.lock.json"), "utf8"));
    expect(lock.archives).toEqual(JSON.parse(readFileSync(plan, "utf8")).archives);

    const whole = await runTranship("verify", bundle, "--progress", "none");
    expect(whole).toMatchObject({ code: 0, stderr: "" });
    const pushed = await runTranship("push", `bundle:${bundle}`, `registry:${to}`);
    expect(pushed.code).toBe(0);
    const verified = await runTranship("verify", `registry:${to}`, "--plan", plan);
    expect(verified.stdout).toContain("is whole");
    expect(verified.code).toBe(0);

    target.reset();
    expect((await runTranship("push", bundle, to)).code).toBe(0);
    const writes = target.requests().filter(({ method }) => !["GET", "HEAD"].includes(method));
    expect(writes).toEqual([]);
  });

  test("with --json every line of standard output is JSON and the last is the report", async () => {
    await using source = await aSource();
    const { stdout, code } = await runTranship("pull", tempFolder(), "--source", `${source.host}/demo/fe`, "--json");
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string });
    expect(code).toBe(0);
    expect(new Set(lines.map(({ type }) => type))).toContain("blob.finished");
    expect(lines.at(-1)).toMatchObject({ type: "report", command: "pull" });
    expect(lines.filter(({ type }) => type === "report")).toHaveLength(1);
  });

  test("--no-packages brings the release metadata only", async () => {
    await using source = await aSource();
    const bundle = tempFolder();
    expect((await runProgram("pull", bundle, "--source", `${source.host}/demo/fe`, "--no-packages")).code).toBe(0);
    expect(readdirSync(bundle).filter((name) => name.endsWith(".tar"))).toEqual(["package-versions.tar"]);
  });

  test("as a workspace script it takes paths as its caller means them", { timeout: 60_000 }, async () => {
    await using source = await aSource();
    const folder = tempFolder();
    const root = fileURLToPath(new URL("../..", import.meta.url));
    const child = spawn(
      "npx",
      ["-y", "pnpm@10", "--silent", "--dir", root, "tranship", "pull", "here", "--source", `${source.host}/demo/fe`],
      {
        cwd: folder,
        stdio: "ignore",
      },
    );
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
    expect(existsSync(join(folder, "here", "tranship.lock.json"))).toBe(true);
  });
});

describe("wrong usage ends with 2", () => {
  test.for([
    { name: "no command", args: [] },
    { name: "an unknown command", args: ["mirror"] },
    { name: "an unknown flag", args: ["pull", "x", "--source", "localhost:1/a", "--wat"] },
    { name: "no source", args: ["pull", "x"] },
    {
      name: "an expression that cannot be read",
      args: ["plan", "--source", "localhost:1/a", "--include-package", "x@^^1"],
    },
    { name: "a source with a scheme", args: ["plan", "--source", "https://registry.example.com/a"] },
    {
      name: "a password without a name",
      args: ["plan", "--source", "localhost:1/a", "--registry-password", "hunter2"],
    },
    { name: "a registry to verify without a plan", args: ["verify", "registry:localhost:1/a"] },
    {
      name: "a plan into a folder that is not there, said before anything is asked for",
      args: ["plan", "--source", "localhost:1/a", "-o", join(tmpdir(), "not-there", "plan.json")],
    },
    { name: "an inventory into a folder", args: ["inventory", "registry:localhost:1/a", "-o", tmpdir()] },
    { name: "evidence into a folder", args: ["verify", "registry:localhost:1/a", "--evidence", tmpdir()] },
    { name: "a contradiction", args: ["plan", "--source", "localhost:1/a", "--no-packages", "--include-package", "x"] },
  ])("$name", async ({ args }) => {
    const { code, stdout, stderr } = await runProgram(...args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).not.toBe("");
    expect(stderr).not.toContain("hunter2");
    expect(stderr).not.toContain("    at ");
  });

  test("and a failure in JSON, of a command line that cannot be read too; what a misspelt flag was given is not told", async () => {
    const { code, stdout, stderr } = await runProgram("plan", "--json", "--registry-pasword=hunter2");
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ type: "failure", code: "USAGE", class: "usage" });
    expect(stderr).toBe("tranship: unknown option '--registry-pasword'\n");
    expect(stdout).not.toContain("hunter2");
  });
});

describe("what goes wrong ends with 1, says which reference on which side and why, and publishes nothing", () => {
  async function failing(args: readonly string[], bundle: string): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await runProgram(...args, "--json");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tranship: /);
    expect(stderr).not.toContain("    at ");
    if (existsSync(bundle)) expect(readdirSync(bundle).filter((name) => name === "tranship.lock.json")).toEqual([]);
    return lastLine(stdout);
  }

  test("an unknown host", async () => {
    const bundle = join(tempFolder(), "bundle");
    const failure = await failing(["pull", bundle, "--source", "nowhere.invalid/demo/fe"], bundle);
    expect(failure).toMatchObject({
      type: "failure",
      code: "TRANSFER_FAILED",
      details: { side: "source", code: "NETWORK" },
    });
    expect(failure.message).toContain("nowhere.invalid");
  });

  test("a wrong password", async () => {
    const credentials = { username: "robot", password: "right" };
    await using source = await aSource({ credentials });
    const bundle = join(tempFolder(), "bundle");
    const args = [
      "pull",
      bundle,
      "--source",
      `${source.host}/demo/fe`,
      "--registry-login",
      "robot",
      "--registry-password",
      "wrong-secret",
    ];
    const failure = await failing(args, bundle);
    expect(failure).toMatchObject({ code: "TRANSFER_FAILED", details: { side: "source", code: "UNAUTHORIZED" } });
    expect(JSON.stringify(failure)).not.toContain("wrong-secret");
  });

  test("a package that is not in the catalog", async () => {
    await using source = await aSource();
    const bundle = join(tempFolder(), "bundle");
    const failure = await failing(
      ["pull", bundle, "--source", `${source.host}/demo/fe`, "--include-package", "nope"],
      bundle,
    );
    expect(failure).toMatchObject({ code: "NOT_IN_CATALOG", details: { names: ["nope"] } });
  });

  test("an exact tag that does not exist", async () => {
    await using source = await aSource();
    const bundle = join(tempFolder(), "bundle");
    const failure = await failing(
      ["pull", bundle, "--source", `${source.host}/demo/fe`, "--include-package", "alb@=v7"],
      bundle,
    );
    expect(failure).toMatchObject({
      code: "IMAGE_NOT_FOUND",
      details: { reference: `${source.host}/demo/fe/packages/alb:v7` },
    });
  });

  test("a manifest over the limit", async () => {
    await using source = await aSource();
    const body = " ".repeat(5 * 1024 * 1024);
    const headers = { "content-type": "application/vnd.oci.image.manifest.v1+json" };
    source.fail(faults.status(200, { headers, body }), {
      match: ({ path }) => path.endsWith("/packages/alb/version/manifests/stable"),
      times: 9,
    });
    const bundle = join(tempFolder(), "bundle");
    const failure = await failing(["pull", bundle, "--source", `${source.host}/demo/fe`], bundle);
    expect(failure).toMatchObject({ code: "TRANSFER_FAILED", details: { side: "source", code: "TOO_LARGE" } });
    expect(failure.message).toContain("packages/alb/version:stable");
  });

  test("a blob that does not match its digest", async () => {
    await using source = await aSource();
    source.fail(faults.corrupt({ at: 5 }), { match: ({ path }) => path.includes("/packages/alb/blobs/"), times: 99 });
    const bundle = join(tempFolder(), "bundle");
    const failure = await failing(["pull", bundle, "--source", `${source.host}/demo/fe`], bundle);
    expect(failure).toMatchObject({ code: "TRANSFER_FAILED", details: { side: "source", code: "DIGEST_MISMATCH" } });
    expect(readdirSync(bundle)).not.toContain("package-alb.tar");
  });

  test.for([
    {
      name: "a truncated archive",
      damage: (bundle: string) => truncateSync(join(bundle, "package-console.tar"), 50_000),
      expected: { code: "ARCHIVE_INVALID", details: { archive: "package-console.tar" } },
    },
    {
      name: "an archive with a name that leaves its folder",
      damage: (bundle: string) => {
        const path = join(bundle, "package-alb.tar");
        const bytes = readFileSync(path);
        const block = bytes.subarray(0, 512);
        block.fill(0, 0, 100);
        block.write("../../evil");
        block.fill(" ", 148, 156);
        const sum = block.reduce((total, byte) => total + byte, 0);
        block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
        writeFileSync(path, bytes);
      },
      expected: { code: "ARCHIVE_INVALID", details: { archive: "package-alb.tar" } },
    },
    {
      name: "an index that is no JSON",
      damage: (bundle: string) => {
        const path = join(bundle, "package-alb.tar");
        const bytes = readFileSync(path);
        bytes.write("}}}}", bytes.lastIndexOf('"schemaVersion"'));
        writeFileSync(path, bytes);
      },
      expected: { code: "ARCHIVE_INVALID", details: { archive: "package-alb.tar" } },
    },
    {
      name: "an interrupted pull's bundle",
      damage: (bundle: string) => {
        rmSync(join(bundle, "tranship.lock.json"));
        writeFileSync(join(bundle, ".tranship", "plan.ndjson"), "");
      },
      expected: { code: "BUNDLE_UNFINISHED", details: {} },
    },
  ])("a push of $name, before anything is sent", async ({ damage, expected }) => {
    await using source = await aSource();
    await using target = await startTestRegistry();
    const bundle = tempFolder();
    expect((await runProgram("pull", bundle, "--source", `${source.host}/demo/fe`)).code).toBe(0);
    damage(bundle);
    const { code, stdout } = await runProgram("push", bundle, `${target.host}/mirror`, "--json");
    expect(code).toBe(1);
    expect(lastLine(stdout)).toMatchObject(expected);
    expect(target.requests().filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([]);
  });

  test("a push of a blob whose bytes rotted publishes no image that needs it, and verify names it with exit code 3", async () => {
    await using source = await aSource();
    await using target = await startTestRegistry();
    const bundle = tempFolder();
    expect(
      (await runProgram("pull", bundle, "--source", `${source.host}/demo/fe`, "--include-package", "alb@=v1.1.0")).code,
    ).toBe(0);
    const path = join(bundle, "package-alb.tar");
    const bytes = readFileSync(path);
    bytes[20_000] = (bytes[20_000] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const verified = await runProgram("verify", bundle);
    expect(verified.code).toBe(3);
    expect(verified.stdout).toContain("package-alb.tar packages/alb/blobs/sha256/");
    const pushed = await runProgram("push", bundle, `${target.host}/mirror`, "--json");
    expect(pushed.code).toBe(1);
    expect(lastLine(pushed.stdout)).toMatchObject({ code: "ARCHIVE_INVALID" });
    const trusting = await runProgram("push", bundle, `${target.host}/mirror`, "--trust-bundle", "--json");
    expect(lastLine(trusting.stdout)).toMatchObject({ code: "TRANSFER_FAILED" });
    await using client = createRegistry(`${target.host}/mirror`);
    expect(await client.repository("packages/alb").resolve("v1.1.0")).toBeUndefined();
  });
});

test("a registry without a catalog is a warning when nothing was asked for by name", async () => {
  await using source = await startTestRegistry();
  source.seed("demo/fe/other", anImage({ tag: "v1" }));
  const { code, stderr } = await runProgram("pull", tempFolder(), "--source", `${source.host}/demo/fe`);
  expect(code).toBe(0);
  expect(stderr).toContain("warning: ");
});

test("interrupted, it ends with 130, and run again it finishes the same bundle", async () => {
  await using source = await aSource();
  const [whole, bundle] = [tempFolder(), tempFolder()];
  expect((await runTranship("pull", whole, "--source", `${source.host}/demo/fe`)).code).toBe(0);
  source.fail(faults.slow({ bytesPerSecond: 20_000 }), { match: ({ path }) => path.includes("/blobs/"), times: 999 });
  const child = spawn(
    process.execPath,
    [transhipMain, "pull", bundle, "--source", `${source.host}/demo/fe`, "--json"],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  await untilSaid(child.stdout, "blob.started");
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  expect(code).toBe(130);
  source.reset();
  expect((await runProgram("push", bundle, "localhost:1/x")).code).toBe(1);
  expect((await runTranship("pull", bundle, "--source", `${source.host}/demo/fe`)).code).toBe(0);
  for (const name of readdirSync(whole).filter((name) => name.endsWith(".tar"))) {
    expect(readFileSync(join(bundle, name)).equals(readFileSync(join(whole, name)))).toBe(true);
  }
});

test("interrupted while it waits for a password, it ends at once", async () => {
  const args = ["plan", "--source", "localhost:1/a", "--json", "-u", "robot", "--registry-password-stdin"];
  const env = { ...process.env, TRANSHIP_TIMEOUT: "what is told of this comes just before the password is read" };
  const child = spawn(process.execPath, [transhipMain, ...args], { stdio: ["pipe", "pipe", "ignore"], env });
  let stdout = "";
  child.stdout.on("data", (chunk) => {
    if (stdout === "") child.kill("SIGINT");
    stdout += chunk;
  });
  const [code] = await once(child, "close"); // its standard input is still open
  expect(code).toBe(130);
  expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({ type: "failure", class: "interrupted" });
});

test("two pulls into one bundle: the second is refused and told about the first", async () => {
  await using source = await aSource();
  const bundle = tempFolder();
  source.fail(faults.slow({ bytesPerSecond: 100 }), { match: ({ path }) => path.includes("/blobs/"), times: 999 });
  const child = spawn(
    process.execPath,
    [transhipMain, "pull", bundle, "--source", `${source.host}/demo/fe`, "--json"],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const exited = once(child, "exit");
  await untilSaid(child.stdout, "blob.started");
  const second = await runTranship("pull", bundle, "--source", `${source.host}/demo/fe`);
  child.kill("SIGKILL");
  await exited;
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`process ${child.pid} on `);
});

test.skipIf(!existsSync("/dev/full"))("output that cannot be written is a failure, and said", () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(process.execPath, [transhipMain, "init", "--print"], {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  closeSync(full);
  expect([status, stderr]).toEqual([1, "tranship: cannot write to standard output: the disk is full (ENOSPC)\n"]);
});
