import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { createRegistry } from "@tranship/registry";
import { anImage, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { createContext } from "../../packages/cli/src/context.ts";
import { HumanOutput } from "../../packages/cli/src/print/output.ts";
import { createProgram } from "../../packages/cli/src/program.ts";
import { seedProduct, smallProduct } from "../support/product.ts";
import { runProgram, runProgramIn } from "../support/run-program.ts";
import { transhipMain } from "../support/run-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";

const sourceLogin = { username: "reader", password: "of-the-source" };
const targetLogin = { username: "writer", password: "of-the-target" };
const variables = { SOURCE_NAME: sourceLogin.username, SOURCE_SECRET: sourceLogin.password };

/** Registries that ask for passwords, one of images that asks for none, and a folder whose configuration names them. */
async function aSetup(): Promise<AsyncDisposable & Setup> {
  const source = await startTestRegistry({ credentials: sourceLogin });
  const other = await startTestRegistry();
  const target = await startTestRegistry({ credentials: targetLogin });
  await using client = createRegistry(`${source.host}/demo/fe`, { credentials: sourceLogin });
  await seedProduct(client, smallProduct.slice(1));
  source.reset();
  for (const tag of ["v1.0.0", "v1.1.0", "v2.0.0"]) other.seed("org/tool", anImage({ tag }));
  const folder = tempFolder();
  const file = join(folder, "tranship.yaml");
  const text = `
source: ${source.host}/demo/fe
bundle: ./bundle
target: ${target.host}/mirror/fe
packages: { include: [{ name: alb, versions: "=v1.0.3" }], catalogMetadata: false }
modules: { enabled: false }
images:
  include:
    - { repository: "${other.host}/org/tool", range: ^1, latest: 1 }
  rewrites: [{ from: "${other.host}", to: tools }]
pull: { checksums: [sha256], chunkSize: 1MB }
connection: { downloads: 4, timeout: 20s }
registries:
  ${source.host}:
    credentials: { env: { username: SOURCE_NAME, password: SOURCE_SECRET } }
  ${target.host}:
    credentials: { file: target.login }
`;
  writeFileSync(file, text);
  writeFileSync(join(folder, "target.login"), `${targetLogin.username}:${targetLogin.password}\n`);
  const [registries, environment] = [[source, other, target], { ...variables, DOCKER_CONFIG: folder }];
  return {
    ...{ source, other, target, folder, file, text },
    run: (command, ...args) => runProgramIn(environment, command, "--config", file, ...args),
    runHere: async (...args) => {
      const env = { ...process.env, ...environment };
      return await promisify(execFile)(process.execPath, [transhipMain, ...args], { cwd: folder, env });
    },
    async [Symbol.asyncDispose]() {
      for (const registry of registries) await registry[Symbol.asyncDispose]();
    },
  };
}

interface Setup {
  readonly source: TestRegistry;
  readonly other: TestRegistry;
  readonly target: TestRegistry;
  readonly folder: string;
  readonly file: string;
  readonly text: string;
  /** Runs a command inside this process with the configuration. */
  readonly run: (command: string, ...args: readonly string[]) => ReturnType<typeof runProgram>;
  /** Runs a command line as a process in the folder. */
  readonly runHere: (...args: readonly string[]) => Promise<{ readonly stdout: string; readonly stderr: string }>;
}

async function tagsAt(registry: TestRegistry, path: string): Promise<readonly string[]> {
  await using client = createRegistry(`${registry.host}/mirror/fe`, { credentials: targetLogin });
  return (await Array.fromAsync(client.repository(path).tags())).toSorted();
}

describe("one file says it all", () => {
  test("pull, push, verify, repair and verify of the target need no flag", async () => {
    await using setup = await aSetup();
    const { target, folder, text, file, run } = setup;

    const pulled = await setup.runHere("pull");
    expect(pulled.stderr).toContain("what flags do not say is in tranship.yaml");
    expect(existsSync(join(folder, "bundle", "package-alb.tar.sha256"))).toBe(false); // it is in chunks
    expect(existsSync(join(folder, "bundle", "package-alb.tar.0000.chunk.sha256"))).toBe(true);

    expect(await run("push")).toMatchObject({ code: 0 });
    expect(await tagsAt(target, "packages/alb")).toEqual(expect.arrayContaining(["v1.0.3"]));
    expect(await tagsAt(target, "tools/org/tool")).toEqual(["v1.1.0"]);

    expect(await run("sync", "--dry-run")).toMatchObject({ code: 0 });
    expect((await run("verify")).stdout).toContain("is whole");
    expect(await run("repair")).toMatchObject({ code: 0 });
    writeFileSync(file, `${text}verify: { place: target, evidence: evidence.json }\n`);
    const verified = await run("verify");
    expect(verified.code).toBe(0);
    expect(verified.stdout).toContain(`registry:${target.host}/mirror/fe is whole`);
    expect(existsSync(join(folder, "evidence.json"))).toBe(true);
  });

  test("a plan is that of the flags which say the same", async () => {
    await using setup = await aSetup();
    const { source, other, folder, run } = setup;
    const [ours, theirs] = [join(folder, "ours.json"), join(folder, "theirs.json")];
    expect(await run("plan", "-o", ours)).toMatchObject({ code: 0 });
    const from = ["--source", `${source.host}/demo/fe`, "--include-package", "alb@=v1.0.3", "--no-package-versions"];
    const images = ["--image", `${other.host}/org/tool@^1 & latest:1`, "--image-rewrite", `${other.host}=tools`];
    const login = { TRANSHIP_SOURCE_LOGIN: sourceLogin.username, TRANSHIP_SOURCE_PASSWORD: sourceLogin.password };
    expect(
      await runProgramIn(login, "plan", "--no-config", "--no-modules", ...from, ...images, "-o", theirs),
    ).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(ours, "utf8"))).toEqual(JSON.parse(readFileSync(theirs, "utf8")));
  });
});

describe("precedence", () => {
  test("flags go before the file, the file before the environment", async () => {
    await using setup = await aSetup();
    const { other, source, run } = setup;
    const { stdout } = await run("plan", "--image", `${other.host}/org/tool:v2.0.0`, "--json");
    const report = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    const tags = JSON.stringify(report.archives);
    expect([tags.includes("v2.0.0"), tags.includes("v1.1.0")]).toEqual([true, false]);

    const environment = { ...variables, TRANSHIP_SOURCE: "nowhere.invalid/x", TRANSHIP_SOURCE_LOGIN: "somebody" };
    source.reset();
    expect(await runProgramIn(environment, "plan", "--config", setup.file)).toMatchObject({ code: 0 });
    expect(source.requests().length).toBeGreaterThan(0);
    const wrong = await run("plan", "--registry-login", "stranger", "--registry-password", "wrong", "--json");
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toContain('"code":"UNAUTHORIZED"');
  });

  test("a variable that is not set is told before anything is asked", async () => {
    await using setup = await aSetup();
    const { code, stderr } = await runProgram("plan", "--config", setup.file);
    expect(code).toBe(2);
    expect(stderr).toContain(".credentials.env: the variable SOURCE_NAME is not set");
    expect(setup.source.requests()).toEqual([]);
  });

  test("--no-config reads none, and a faulty one ends a command with 2 and where it is faulty", async () => {
    await using setup = await aSetup();
    writeFileSync(setup.file, "bundel: x\n");
    expect(await setup.run("verify")).toMatchObject({ code: 2, stderr: expect.stringContaining(":1:1: bundel: ") });
    expect(await runProgram("verify", "--no-config")).toMatchObject({ code: 2 });
    expect(await runProgram("verify", "--config", join(setup.folder, "none.yaml"))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("none.yaml: there is no such file or folder (ENOENT)"),
    });
  });
});

test("a server asks for the user name and password that the file leads to", async () => {
  const folder = tempFolder();
  const file = join(folder, "tranship.yaml");
  mkdirSync(join(folder, "images"));
  writeFileSync(join(folder, "served.login"), "guest:of-the-server");
  writeFileSync(file, "serve: { place: oci:images, listen: 127.0.0.1:0, credentials: { file: served.login } }\n");
  const stop = new AbortController();
  const said = Promise.withResolvers<string>();
  const [stdout, stderr] = [{ write: (text: string) => Boolean(said.resolve(text)) || true }, { write: () => true }];
  const context = createContext({
    output: new HumanOutput(stdout, stderr),
    signal: stop.signal,
    input: (async function* () {})(),
    environment: {},
    exitWith() {},
  });
  const served = createProgram(context, "0.0.0").parseAsync(["serve", "--config", file], { from: "user" });
  const [url] = /http:\/\/[0-9.]+:[0-9]+/.exec(await Promise.race([said.promise, served.then(() => "")])) ?? [];
  const asked = async (login: string) => {
    const headers = { authorization: `Basic ${Buffer.from(login).toString("base64")}` };
    return (await fetch(`${url}/v2/`, { headers })).status;
  };
  expect([await asked("guest:wrong"), await asked("guest:of-the-server")]).toEqual([401, 200]);
  stop.abort();
  await served;
});
