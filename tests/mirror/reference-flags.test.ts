import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRegistry } from "@tranship/registry";
import { startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { CertificateAuthority, canMakeCertificates } from "../support/certificates.ts";
import { aSource } from "../support/mirror.ts";
import { seedProduct } from "../support/product.ts";
import { runProgram, runProgramIn } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** Brings one small package and nothing else. */
const little = ["--no-modules", "--no-package-versions", "--include-package", "alb@=v1.0.2"];

const archives = (folder: string) => readdirSync(folder).filter((name) => name.includes(".tar"));

function lastLine(text: string): Record<string, unknown> {
  return JSON.parse(text.trim().split("\n").at(-1) ?? "{}");
}

describe("a command line for d8 mirror", () => {
  test("pulls and pushes as it stands", async () => {
    await using source = await startTestRegistry({ credentials: { username: "license-token", password: "token" } });
    await using access = createRegistry(`${source.host}/demo/fe`, {
      credentials: { username: "license-token", password: "token" },
    });
    await seedProduct(access);
    const credentials = { username: "robot", password: "secret" };
    await using target = await startTestRegistry({ credentials });
    const folder = join(tempFolder(), "bundle");
    const from = ["--source", `${source.host}/demo/fe`, "-l", "token"];
    const leftOut = ["--no-platform", "--no_security_db", "--no-installer", "--ignore-suspend", "--no-modules"];
    const how = ["--images_bundle_chunk_size=1", "--gost-digest", "--skip-vex-images", "--force", "--verbose-summary"];
    const pulled = await runProgram("pull", folder, ...from, ...leftOut, ...how, "--include_package", "alb@=v1.0.2");
    expect(pulled).toMatchObject({ code: 0, stderr: expect.not.stringContaining("token") });
    expect(archives(folder).sort()).toEqual(
      ["package-alb.tar.0000.chunk", "package-versions.tar.0000.chunk"].flatMap((name) => [name, `${name}.gostsum`]),
    );
    const pushed = await runProgram("push", folder, `https://${target.host}/mirror`, "-u", "robot", "-p", "secret");
    expect(pushed.code).toBe(0);
    await using mirror = createRegistry(`${target.host}/mirror`, { credentials });
    expect(await mirror.repository("packages/alb").resolve("v1.0.2")).toBeDefined();
    const file = ["--file", join(folder, "package-alb.tar.0000.chunk")];
    const again = await runProgram("push", `${target.host}/again`, ...file, "-u", "robot", "-p", "secret");
    expect(again.code).toBe(0);
  });

  test("takes its variables", async () => {
    const credentials = { username: "robot", password: "secret" };
    await using source = await startTestRegistry({ credentials });
    await using access = createRegistry(`${source.host}/demo/fe`, { credentials });
    await seedProduct(access);
    const place = `${source.host}/demo/fe`;
    const folder = join(tempFolder(), "bundle");
    const login = { D8_MIRROR_SOURCE_LOGIN: "robot", D8_MIRROR_SOURCE_PASSWORD: "secret" };
    const pulled = await runProgramIn(
      { ...login, D8_MIRROR_SOURCE: place, D8_MIRROR_TIMEOUT: "1h" },
      "pull",
      folder,
      ...little,
    );
    expect(pulled).toMatchObject({ code: 0, stderr: expect.not.stringContaining("warning") });
    const target = {
      D8_MIRROR_REGISTRY_LOGIN: "robot",
      D8_MIRROR_REGISTRY_PASSWORD: "secret",
      D8_MIRROR_TIMEOUT: "soon",
    };
    const pushed = await runProgramIn(target, "push", folder, place);
    expect(pushed).toMatchObject({ code: 0, stderr: expect.stringContaining("D8_MIRROR_TIMEOUT is passed over") });
    const refused = await runProgramIn(login, "push", folder, place);
    expect(refused.code).toBe(1);
  });
});

test.for([
  ["--include-platform", "^1.65"],
  ["--include-platform="],
  ["--deckhouse-tag", "stable"],
  ["--since-version", "1.64.0"],
  ["--installer-tag=latest"],
  ["--include-plugin", "x@=v1.0.0"],
])("what is asked for and not mirrored is not left out in silence: %j", async (flags) => {
  const [flag = ""] = flags[0]?.split("=") ?? [];
  const { code, stderr } = await runProgram("pull", "x", "--source", "127.0.0.1:1/a", ...flags);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(flag) });
  expect(stderr).toContain("cannot be mirrored yet");
});

describe("a command line that makes no sense ends with 2, before a folder is made or a request is sent", () => {
  test.for([
    { args: ["--include-package", "alb@"], said: "nothing follows the @" },
    { args: ["--include-platform", "./bundle"], said: 'write --include-platform ">=1.65.0"' },
    { args: ["--include-platform", "1.64", "--deckhouse-tag", "stable"], said: "ambiguous" },
    { args: ["--since-version", "1.64.0", "--include-platform", "1.64"], said: "ambiguous" },
    { args: ["more"], said: "exactly 1 argument" },
    { args: ["-c", "-1"], said: "--images-bundle-chunk-size" },
    { args: ["--timeout", "soon"], said: "--timeout soon" },
    { args: ["--downloads", "0"], said: "--downloads 0" },
    { args: ["--mirror", "nowhere"], said: "--mirror nowhere" },
    { args: ["--source-password", "hunter2"], said: "--source-password needs a user name" },
    { args: ["--license", "hunter2", "-u", "x"], said: "--license and --registry-login" },
    { args: ["--proxy-registry"], said: "requires --include-module" },
    { args: ["--no-modules", "--no-packages", "--no-package-versions"], said: "nothing to do" },
    { args: ["--plan", "x", "--include-module", "y"], said: "--include-module and --plan" },
  ])("$args: $said", async ({ args, said }) => {
    await using source = await startTestRegistry();
    const folder = join(tempFolder(), "bundle");
    const run = await runProgram("pull", folder, "--source", `${source.host}/demo/fe`, ...args);
    expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(said) });
    expect(run.stderr).not.toContain("hunter2");
    expect(source.requests()).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  test.for([
    { source: "/deckhouse/ee", said: "no registry host" },
    { source: "registry.example.com", said: "is missing the repository path" },
    { source: "registry.example.com/", said: "write it as registry.example.com/deckhouse/fe" },
    { source: "registry.example.com:5000", said: "registry:registry.example.com:5000" },
    { source: "registry example/fe", said: "registry example/fe" },
  ])("a source of $source: $said", async ({ source, said }) => {
    const run = await runProgram("plan", "--source", source);
    expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(said) });
  });

  test("a folder that is a file, and a flag that got the folder as its value", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "file"), "");
    const from = ["--source", "127.0.0.1:1/a"];
    const inFile = await runProgram("pull", join(folder, "file"), ...from);
    expect(inFile).toMatchObject({ code: 2, stderr: expect.stringContaining("is not a directory") });
    const swallowed = await runProgram("pull", ...from, "--include-package", folder);
    expect(swallowed).toMatchObject({ code: 2, stderr: expect.stringContaining("redirections") });
    const none = await runProgram("pull", ...from, "--include-package", "alb");
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("exactly 1 argument") });
  });

  test("no source at all, and a target over plain HTTP that nobody allowed", async () => {
    const unnamed = await runProgram("pull", "x");
    expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringContaining("TRANSHIP_SOURCE") });
    const plain = await runProgram("push", tempFolder(), "http://mirror.example.com/fe");
    expect(plain).toMatchObject({ code: 2, stderr: expect.stringContaining("needs --insecure") });
  });
});

test("a dry run is the plan, and makes no folder", async () => {
  await using source = await aSource();
  const folder = join(tempFolder(), "bundle");
  const from = ["--source", `${source.host}/demo/fe`, "--no-modules", "--json"];
  const dry = await runProgram("pull", folder, ...from, "--dry-run");
  const planned = await runProgram("plan", ...from);
  expect(lastLine(dry.stdout)).toEqual(lastLine(planned.stdout));
  expect(dry.code).toBe(0);
  expect(existsSync(folder)).toBe(false);
  expect(lastLine((await runProgram("pull", "--dry-run", ...from)).stdout)).toEqual(lastLine(planned.stdout));
});

test("a source may be named by a variable, and a flag goes before it", async () => {
  await using source = await aSource();
  const named = { TRANSHIP_SOURCE: `${source.host}/demo/fe`, D8_MIRROR_SOURCE: "127.0.0.1:1/nobody" };
  expect((await runProgramIn(named, "plan", ...little)).code).toBe(0);
  const both = { TRANSHIP_SOURCE: "127.0.0.1:1/nobody" };
  expect((await runProgramIn(both, "plan", "--source", `${source.host}/demo/fe`, ...little)).code).toBe(0);
});

test("--force takes a folder with archives of somebody else, which stay; without, it is not touched", async () => {
  await using source = await aSource();
  const folder = tempFolder();
  writeFileSync(join(folder, "package-other.tar"), "theirs");
  writeFileSync(join(folder, "package-alb.tar"), "theirs, too");
  const args = ["pull", folder, "--source", `${source.host}/demo/fe`, ...little];
  const refused = await runProgram(...args);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("is not empty") });
  expect(readdirSync(folder)).toHaveLength(2);
  expect((await runProgram(...args, "--force")).code).toBe(0);
  expect(readFileSync(join(folder, "package-other.tar"), "utf8")).toBe("theirs");
  expect(readFileSync(join(folder, "package-alb.tar")).length).toBeGreaterThan(20_000);
  expect((await runProgram("verify", join(folder, "package-alb.tar"))).code).toBe(0);
});

test("--no-pull-resume plans anew, and --tmp-dir is said to do nothing", async () => {
  await using source = await aSource();
  const folder = tempFolder();
  const args = ["pull", folder, "--source", `${source.host}/demo/fe`, ...little];
  expect((await runProgram(...args)).code).toBe(0);
  writeFileSync(join(folder, "tranship.lock.json"), "no lock at all");
  expect((await runProgram(...args)).code).toBe(1);
  const anew = await runProgram(...args, "--no-pull-resume", "--tmp-dir", "/nowhere");
  expect(anew).toMatchObject({ code: 0, stderr: expect.stringMatching(/^warning: --tmp-dir has no effect/) });
  expect(existsSync("/nowhere")).toBe(false);
});

test("underscores in names of flags are hyphens, and in values they stay", async () => {
  const from = ["--source", "127.0.0.1:1/demo/fe"];
  const { code, stderr } = await runProgram("plan", ...from, "--no_modules", "--include_package", "--no_such");
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('"--no_such"') });
  expect(stderr).not.toContain("--no-such");
});

test("a mirror is asked for what goes by digest, in place of the source", async () => {
  await using source = await aSource();
  await using mirror = await aSource();
  const place = `${source.host}/demo`;
  const args = ["--source", `${place}/fe`, "--mirror", `${place}=${mirror.host}/demo`, "--downloads", "1"];
  expect((await runProgram("pull", tempFolder(), ...args, ...little)).code).toBe(0);
  const blobsOf = (registry: typeof source) => registry.requests().filter(({ path }) => path.includes("/blobs/"));
  expect(blobsOf(source)).toEqual([]);
  expect(blobsOf(mirror).length).toBeGreaterThan(0);
});

test("a proxy is gone through when it is named, or when the flag against it is missing", async () => {
  await using source = await aSource();
  await using proxy = await startTestRegistry();
  const args = ["plan", "--source", `${source.host}/demo/fe`, ...little];
  const through = await runProgram(...args, "--proxy", `http://${proxy.host}`);
  expect(through.code).toBe(1); // it has nothing of the kind
  expect(proxy.requests().length).toBeGreaterThan(0);
  expect(source.requests()).toEqual([]);
  expect((await runProgram(...args, "--no-proxy")).code).toBe(0);
});

describe.skipIf(!canMakeCertificates)("certificates are trusted", () => {
  /** What a registry needs to be asked by HTTPS on this machine, and a folder with its authority. */
  function anAuthority() {
    using authority = new CertificateAuthority();
    const folder = tempFolder();
    for (const name of ["empty", "full"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "full", "any-name"), authority.cert);
    writeFileSync(join(folder, "full", "damaged.pem"), authority.cert.replace(/\n./, "\n!"));
    const { cert, key } = authority.issue({ altNames: "IP:127.0.0.1" });
    const [certFile, keyFile] = [join(folder, "cert"), join(folder, "key")];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    return { folder, tls: { cert, key }, https: ["--client-cert", certFile, "--client-key", keyFile] };
  }

  test("that lie in any folder of SSL_CERT_DIR or in SSL_CERT_FILE", async () => {
    const { folder, tls, https } = anAuthority();
    await using source = await startTestRegistry({ tls });
    const ask = ["plan", "--source", `${source.host}/demo/fe`, ...https];
    const [away = "", empty = "", full = ""] = ["not-there", "empty", "full"].map((name) => join(folder, name));
    const trusted = await runProgramIn({ SSL_CERT_DIR: [away, empty, full].join(":") }, ...ask);
    expect(trusted).toMatchObject({ code: 0, stderr: expect.stringContaining("not-there cannot be read") });
    expect((await runProgramIn({ SSL_CERT_FILE: join(full, "any-name") }, ...ask)).code).toBe(0);
    const without = await runProgramIn({ SSL_CERT_DIR: empty, SSL_CERT_FILE: away }, ...ask);
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining("SSL_CERT_FILE is passed over") });
  });
});
