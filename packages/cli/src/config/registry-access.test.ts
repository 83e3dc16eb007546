import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import type { RegistrySide } from "../environment.ts";
import { inFlightOf } from "../flags/connection-flags.ts";
import type { CredentialFlags } from "../flags/credential-flags.ts";
import { configFolder } from "./config-folder.ts";
import { configuredRegistries } from "./configured-registries.ts";
import { parseConfig } from "./read-config.ts";
import { credentialsFor, flagsOfRegistry, otherHosts } from "./registry-access.ts";

const environment = {
  TRANSHIP_SOURCE_LOGIN: "variable",
  TRANSHIP_SOURCE_PASSWORD: "of-the-side",
  SOME_NAME: "some",
  SOME_SECRET: "secret",
  SOME_LICENSE: "token",
};

let folder: string;

beforeEach(() => {
  folder = tempFolder();
  const auth = (login: string) => ({ auth: Buffer.from(login).toString("base64") });
  const auths = { "a.internal": auth("docker:own"), "mirror.internal": auth("docker:mirror") };
  writeFileSync(join(folder, "config.json"), JSON.stringify({ auths }));
  writeFileSync(join(folder, "other.json"), JSON.stringify({ auths: { "a.internal": auth("other:file") } }));
  writeFileSync(join(folder, "login"), "name:pass:word\n");
  writeFileSync(join(folder, "lines"), "name:hunter2\nanother\n");
});

/** What `registries` of a file in the folder says, where the options of `given` stand on the command line. */
function registriesOf(text: string, given: readonly string[] = []) {
  const { registries = {} } = parseConfig(`registries: ${text}`, "tranship.yaml");
  return configuredRegistries(registries, configFolder(folder), (option) => given.includes(option));
}

/** The login with which `host` is asked, as a registry or one of its mirrors. */
async function loginAt(
  text: string,
  {
    flags = {},
    side = "source",
    host = "a.internal",
  }: { flags?: CredentialFlags; side?: RegistrySide; host?: string } = {},
): Promise<unknown> {
  const found = await credentialsFor(
    { ...flags, registries: registriesOf(text) },
    {
      place: "a.internal/path",
      mirrors: ["mirror.internal/path"],
      side,
      environment: { ...environment, DOCKER_CONFIG: folder },
      input: (async function* () {})(),
    },
  );
  return typeof found === "function" ? await found({ host }, {}) : found;
}

describe("who asks", () => {
  test.for([
    ["variables", "{ env: { username: SOME_NAME, password: SOME_SECRET } }", { username: "some", password: "secret" }],
    ["a license", "{ env: { license: SOME_LICENSE } }", { username: "license-token", password: "token" }],
    ["a file", "{ file: login }", { username: "name", password: "pass:word" }],
    ["docker, though variables say something", "{ docker: true }", { username: "docker", password: "own" }],
    ["a file of docker's kind", "{ docker: other.json }", { username: "other", password: "file" }],
  ] as const)("%s", async ([_name, reference, login]) => {
    expect(await loginAt(`{ a.internal: { credentials: ${reference} } }`)).toEqual(login);
  });

  test("a flag goes before the file, and a registry of which it says nothing is asked as ever", async () => {
    const text = "{ A.internal: { credentials: { file: login } } }";
    const flags = { registryLogin: "flag", registryPassword: "word" };
    expect(await loginAt(text, { flags })).toEqual({ username: "flag", password: "word" });
    expect(await loginAt(text)).toMatchObject({ username: "name" }); // names of hosts know no capitals
    expect(await loginAt("{ b.internal: { credentials: { file: none } } }")).toMatchObject({ username: "variable" });
  });

  test("a mirror is asked with what is said of it, else with docker's, never with the registry's own", async () => {
    const own = "a.internal: { credentials: { file: login } }";
    const mirror = "mirror.internal: { credentials: { env: { username: SOME_NAME, password: SOME_SECRET } } }";
    const host = "mirror.internal";
    expect(await loginAt(`{ ${own}, ${mirror} }`, { host })).toEqual({ username: "some", password: "secret" });
    expect(await loginAt(`{ ${own} }`, { host })).toEqual({ username: "docker", password: "mirror" });
    expect(await loginAt(`{ ${mirror} }`)).toEqual({ username: "variable", password: "of-the-side" });
  });

  test.for([
    [
      "a variable that is not set",
      "{ env: { username: SOME_NAME, password: NOT_SET } }",
      "the variable NOT_SET is not set",
    ],
    ["a file that is not there", "{ file: none }", "ENOENT"],
    ["a file of docker's kind that is not there", "{ docker: none.json }", "ENOENT"],
    ["a file with more than a line", "{ file: lines }", "has to hold one line, username:password"],
  ] as const)("%s is an error, and nobody becomes anonymous", async ([_name, reference, message]) => {
    const asked = loginAt(`{ a.internal: { credentials: ${reference} } }`);
    await expect(asked).rejects.toThrow(message);
    await expect(asked).rejects.toThrow(/^registries\["a\.internal"\]\.credentials\.(?:env|file|docker): /);
    await expect(asked).rejects.not.toThrow(/hunter2|another/);
  });
});

describe("how a registry is reached", () => {
  const text =
    "{ a.internal: { timeout: 5s, downloads: 32, insecure: true, ca: ca.pem, proxy: false }, b.c: { uploads: 12 } }";

  test("what is said of it goes before what is said of all, and a flag before both", () => {
    const flags = { timeout: "9s", uploads: "2", tlsSkipVerify: undefined };
    expect(flagsOfRegistry("a.internal/x", { ...flags, registries: registriesOf(text) })).toMatchObject({
      ...{ timeout: "5s", uploads: "2", downloads: "32", insecure: true, proxy: false, ca: join(folder, "ca.pem") },
    });
    const given = registriesOf(text, ["timeout", "proxy"]);
    const reached = flagsOfRegistry("a.internal", { ...flags, insecure: false, proxy: "http://p", registries: given });
    expect(reached).toMatchObject({ timeout: "9s", proxy: "http://p", insecure: false, downloads: "32" });
    expect(flagsOfRegistry("other.internal", { ...flags, registries: given })).toMatchObject(flags);
  });

  test("a run works on as many blobs at once as any registry takes", () => {
    expect(inFlightOf({ downloads: "4", registries: registriesOf(text) })).toBe(32);
    expect(inFlightOf({ downloads: "4" })).toBeUndefined();
  });

  test("hosts that a registry leads to are reached as is said of them, but for those whose files are elsewhere", async () => {
    const registries = registriesOf(
      "{ a.internal: {}, b.internal: { insecure: true }, c.internal: { ca: not-here.pem } }",
    );
    const hosts = await otherHosts("a.internal/x", { registries });
    expect(Object.keys(hosts ?? {})).toEqual(["b.internal"]);
    expect(hosts).toMatchObject({ "b.internal": { insecure: true } });
  });
});

test("a login for the registry is not its mirrors': they are asked with what docker keeps for them", async () => {
  const flags = { sourceLogin: "me", sourcePassword: "mine" };
  expect(await loginAt("{}", { flags })).toEqual({ username: "me", password: "mine" });
  expect(await loginAt("{}", { flags, host: "mirror.internal" })).toEqual({ username: "docker", password: "mirror" });
});
