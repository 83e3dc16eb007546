import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  anImage,
  anIndex,
  type BuiltIndex,
  faults,
  startTestRegistry,
  type TestRegistry,
} from "@tranship/registry/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProgram, runProgramIn } from "../support/run-program.ts";
import { startTranship } from "../support/start-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const linux = (architecture: string) => ({ os: "linux", architecture }) as const;
const [here, other] = process.arch === "arm64" ? ["arm64", "amd64"] : ["amd64", "arm64"];

/** For this machine and another one, whose files differ. */
function anApp(): BuiltIndex {
  const images = [here, other].map((architecture) =>
    anImage({
      files: { "etc/name": `${architecture}\n`, "bin/app": "#!/bin/sh\n" },
      platform: linux(architecture ?? ""),
    }),
  );
  return anIndex({ images, platforms: [here, other].map((one) => linux(one ?? "")), tag: "v1" });
}

let registry: TestRegistry;
let app: string;

beforeAll(async () => {
  registry = await startTestRegistry();
  registry.seed("org/app", anApp());
  registry.seed("org/large", anImage({ files: { zeros: new Uint8Array(3_000_000) }, tag: "v1" }));
  app = `${registry.host}/org/app:v1`;
});
afterAll(() => registry[Symbol.asyncDispose]());

const noExt4 = lacking("mke2fs", "debugfs", "e2fsck");
const withTools = { PATH: process.env.PATH ?? "" };

/** Runs `tranship rootfs`, which has to succeed, and gives its report. */
async function made(...args: readonly string[]) {
  const { code, stdout, stderr } = await runProgramIn(withTools, "rootfs", ...args, "--json");
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}");
}

describe("what it makes", () => {
  test("a directory, and another one in its place when all of it is there", async () => {
    const path = join(tempFolder(), "rootfs");
    expect(await made(app, "-o", path)).toMatchObject({
      command: "rootfs",
      format: "dir",
      platform: `linux/${here}`,
      layers: 1,
    });
    expect(readFileSync(join(path, "etc/name"), "utf8")).toBe(`${here}\n`);
    const again = await runProgram("rootfs", app, "-o", path);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("--replace") });
    writeFileSync(join(path, "ours"), "");
    await made(app, "-o", path, "--replace", "--platform", `linux/${other}`);
    expect([readFileSync(join(path, "etc/name"), "utf8"), existsSync(join(path, "ours"))]).toEqual([
      `${other}\n`,
      false,
    ]);
  });

  test("the same archive in a file and on standard output, with its digest", async () => {
    const folder = tempFolder();
    const report = await made(app, "-o", join(folder, "app.tar"));
    const bytes = readFileSync(join(folder, "app.tar"));
    const { stdout, stderr, code } = await runProgram("rootfs", app, "-o", "-");
    expect([code, stdout === bytes.toString("latin1")]).toEqual([0, true]);
    expect(report).toMatchObject({ sizeBytes: bytes.length, inodes: 5 });
    expect(stderr).toContain(report.sha256);
    expect(readdirSync(folder)).toEqual(["app.tar"]);
  });

  test.skipIf(noExt4.length > 0)(`an ext4 image of the size that is asked for (lacking: ${noExt4})`, async () => {
    const path = join(tempFolder(), "app.ext4");
    const { sha256, sizeBytes } = await made(app, "-o", path, "--size", "16MiB", "--journal");
    expect([sizeBytes, statSync(path).size, sha256]).toEqual([
      16 * 1024 ** 2,
      16 * 1024 ** 2,
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ]);
    const args = [`${registry.host}/org/large:v1`, "-o", `${path}.ext4`, "--size", "2MiB"];
    const small = await runProgramIn(withTools, "rootfs", ...args, "--json");
    expect(small).toMatchObject({ code: 1, stdout: expect.stringMatching(/give --size [46]MiB or more/) });
    expect(small.stdout).not.toContain('"stage":"write"'); // known before anything is written
    expect(existsSync(`${path}.ext4`)).toBe(false);
  });

  test("the same bytes of a folder of layouts and of a bundle, by what it was pulled by and as their only image", async () => {
    const folder = tempFolder();
    const [layouts, bundle] = [join(folder, "layouts"), join(folder, "bundle")];
    const only = ["--image", app, "--no-packages", "--no-modules"];
    expect((await runProgram("sync", registry.host, `oci:${layouts}`, ...only)).code).toBe(0);
    expect((await runProgram("pull", bundle, ...only)).code).toBe(0);
    const places = [[app], ["--source", `oci:${layouts}`], ["--source", bundle], [app, "--source", `bundle:${bundle}`]];
    const reports = [];
    for (const [at, place] of places.entries()) reports.push(await made(...place, "-o", join(folder, `${at}.tar`)));
    expect(new Set(reports.map(({ sha256, manifestDigest }) => `${sha256} ${manifestDigest}`)).size).toBe(1);
    const { stderr, code } = await runProgram("rootfs", "--source", join(folder, "0.tar"), "-o", join(folder, "x.tar"));
    expect([code, stderr]).toEqual([2, expect.stringContaining("docker-archive:")]);
  });

  test("below a registry and path that --source says", async () => {
    const path = join(tempFolder(), "app.tar");
    expect(await made("app:v1", "--source", `${registry.host}/org`, "-o", path)).toMatchObject({ reference: app });
  });
});

test("hooks edit the files, one after another, and are told of the image", async () => {
  const folder = tempFolder();
  const [first, second] = [join(folder, "first.mjs"), join(folder, "second.mjs")];
  writeFileSync(first, `export default (files, { digest }) => files.write("/etc/digest", digest);`);
  writeFileSync(second, `export default (files) => void files.append("/bin/app", "exit\\n");`); // begun, not waited for
  const { digest, hooks } = await made(app, "-o", join(folder, "out"), "--hook", first, "--hook", second);
  expect([readFileSync(join(folder, "out/etc/digest"), "utf8"), hooks]).toEqual([digest, 2]);
  expect(readFileSync(join(folder, "out/bin/app"), "utf8")).toBe("#!/bin/sh\nexit\n");
});

describe("what it refuses", () => {
  const usage: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["a name that is none", ["Not/An/Image", "-o", "x.tar"], /no image reference/],
    ["no name", ["-o", "x.tar"], /no image was named/],
    ["a place in place of a name", ["bundle:b", "-o", "x.tar"], /--source bundle:b/],
    ["a place that is not there", ["--source", "docker-archive:none.tar", "-o", "x.tar"], /no such file/],
    ["an output that does not tell what it is", ["app", "-o", "x.img"], /--format/],
    ["an output below nothing", ["app", "-o", "/nowhere/x.tar"], /no such file or folder/],
    ["a directory on standard output", ["app", "-o", "-", "--format", "dir"], /only a tar archive/],
    ["JSON and an archive at once", ["app", "-o", "-", "--json"], /at once/],
    ["a size of what has none", ["app", "-o", "x.tar", "--size", "1GiB"], /--size is of ext4 images/],
    ["a device as what is replaced", ["app", "-o", "/dev/null", "--format", "tar", "--replace"], /neither a file nor/],
    [
      "a certificate for skopeo",
      ["app", "-o", "x.tar", "--mode", "dockerless", "--ca", "c"],
      /--ca is of --mode native/,
    ],
    ["a ceiling that is none", ["app", "-o", "x.tar", "--limit", "files=3"], /the names are layers, entries/],
    ["a hook that is not there", ["app", "-o", "x.tar", "--hook", "none.ts"], /--hook none.ts/],
    ["the working folder as what is replaced", ["app", "-o", ".", "--replace"], /lies in it/],
    [
      "a daemon for an image of a place",
      ["--source", "localhost:1/a", "b", "--mode", "docker", "-o", "x.tar"],
      /without --source/,
    ],
  ];
  test.for(usage)("%s is wrong usage", async ([, args, said]) => {
    const { code, stderr } = await runProgram("rootfs", ...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(said)]);
  });

  test("a link that leads nowhere, as what is there already", async () => {
    const path = join(tempFolder(), "x.tar");
    symlinkSync("nowhere", path);
    const { code, stderr } = await runProgram("rootfs", app, "-o", path);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--replace")]);
  });

  /** What it says of a failure; nothing may be left of it. */
  async function failure(output: string, ...args: readonly string[]) {
    const folder = tempFolder();
    const { code, stdout } = await runProgramIn({}, "rootfs", "-o", join(folder, output), ...args, "--json");
    expect([code, readdirSync(folder)]).toEqual([1, []]);
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}");
  }

  test("a platform the image is not for, and says which there are", async () => {
    const { code, causes } = await failure("x.tar", app, "--platform", "linux/s390x");
    expect([code, JSON.stringify(causes)]).toEqual(["PLATFORM_NOT_FOUND", expect.stringContaining(`linux/${other}`)]);
  });

  test("an image beyond a ceiling, and says how it is raised", async () => {
    const { code, causes } = await failure("out", app, "--limit", "entries=1");
    expect([code, JSON.stringify(causes)]).toEqual(["LIMIT_EXCEEDED", expect.stringContaining("--limit entries=N")]);
  });

  test("to begin without the programs that an ext4 image needs", async () => {
    const before = registry.requests().length;
    const { code, causes } = await failure("x.ext4", app);
    expect([code, registry.requests().length]).toEqual(["TOOL_MISSING", before]);
    expect(JSON.stringify(causes)).toContain("e2fsprogs");
  });

  test.for([
    ["throws", `export default () => { throw new Error("no such user"); };`, "no such user"],
    ["is no module", "export default {", "failed"],
    ["exports nothing", "export const edit = 1;", "no function"],
  ])("a hook that %s", async ([, text = "", said]) => {
    const hook = join(tempFolder(), "hook.mjs");
    writeFileSync(hook, text);
    const { code, class: kind, message } = await failure("out", app, "--hook", hook);
    expect([code, kind, message]).toEqual(["HOOK_FAILED", "hook", expect.stringContaining(said ?? "")]);
  });
});

test("what a hook began and did not wait for fails the run, and leaves nothing", async () => {
  const [folder, hook] = [tempFolder(), join(tempFolder(), "hook.mjs")];
  writeFileSync(hook, `export default (files) => void files.append("/none/x", "");`);
  const { code, stderr } = await startTranship(["rootfs", app, "-o", join(folder, "x.tar"), "--hook", hook]).ended;
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^tranship: cannot write "\/none\/x" in the image.*\n$/)]);
  expect(readdirSync(folder)).toEqual([]);
});

test("a dry run fetches no layer and writes nothing", async () => {
  const folder = tempFolder();
  registry.reset();
  expect(await made(app, "-o", join(folder, "x.tar"), "--dry-run")).toMatchObject({ dryRun: true, layers: 1 });
  expect([readdirSync(folder), registry.requests().filter(({ path }) => path.includes("/blobs/"))]).toEqual([
    [],
    [expect.anything()],
  ]); // the config
});

test("with --json it tells of its stages, in their order", async () => {
  const { stdout } = await runProgram("rootfs", app, "-o", join(tempFolder(), "x.tar"), "--json");
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const stages = events.filter(({ type }) => type === "stage.finished").map(({ stage }) => stage);
  expect(stages).toEqual(["resolve", "download", "merge", "write", "check"]);
});

test("told to stop, it leaves nothing but the layers that its cache has, and all it printed is JSON lines", async () => {
  await using slow = await startTestRegistry();
  const [first, second] = [anImage({ size: 1000, seed: 1 }), anImage({ size: 50_000, seed: 2 })].map(
    ({ layers }) => layers,
  );
  slow.seed(
    "org/app",
    anImage({ layers: [...(first ?? []), ...(second ?? [])], tag: "v1", platform: linux(here ?? "") }),
  );
  slow.fail(faults.stall(), { match: ({ path }) => path.includes(second?.[0]?.digest ?? "none"), times: 99 });
  const folder = tempFolder();
  mkdirSync(join(folder, "cache"));
  const loud = join(tempFolder(), "loud.mjs");
  writeFileSync(loud, `console.log("loaded"); export default () => {};`);
  const kept = ["--layer-cache", join(folder, "cache")];
  const args = [`${slow.host}/org/app:v1`, "-o", join(folder, "out"), ...kept, "--hook", loud, "--json"];
  const run = startTranship(["rootfs", ...args], {
    onStdout: (text) => {
      if (text.includes("layer.finished")) run.child.kill("SIGINT");
    },
  });
  const { code, stdout, stderr } = await run.ended;
  expect([code, stderr]).toEqual([130, expect.stringContaining("loaded")]);
  expect(
    stdout
      .trim()
      .split("\n")
      .filter((line) => !line.startsWith("{")),
  ).toEqual([]);
  expect(readdirSync(folder)).toEqual(["cache"]);
  expect(readdirSync(join(folder, "cache/blobs/sha256")).filter((name) => !name.includes("."))).toHaveLength(1);
});
