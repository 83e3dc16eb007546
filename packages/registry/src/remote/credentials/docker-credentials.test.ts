import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Credentials } from "../auth/authenticator.ts";
import { type DockerCredentialsOptions, dockerCredentials } from "./docker-credentials.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const entry = (pair: string) => ({ auth: base64(pair) });

interface Home {
  readonly folder: string;
  readonly env: Record<string, string>;
  /** Where docker's file is. */
  readonly configPath: string;
  /** Writes a file below the home, as JSON unless it is text. */
  write(path: string, content: unknown): Promise<string>;
  /** Writes `docker-credential-<name>`, found on `PATH`. */
  helper(name: string, script: string): Promise<void>;
  /** What `script`s have appended to `$LOG`, line by line. */
  log(): Promise<readonly string[]>;
  find(host: string, repository?: string, options?: DockerCredentialsOptions): Promise<Credentials | undefined>;
}

async function aHome(config?: unknown): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), "credentials-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const env = { HOME: folder, PATH: `${join(folder, "bin")}:${process.env.PATH}`, LOG: join(folder, "log") };
  const home: Home = {
    folder,
    env,
    configPath: join(folder, ".docker", "config.json"),
    async write(path, content) {
      const whole = join(folder, path);
      await mkdir(dirname(whole), { recursive: true });
      await writeFile(whole, typeof content === "string" ? content : JSON.stringify(content));
      return whole;
    },
    async helper(name, script) {
      await chmod(await home.write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`), 0o755);
    },
    async log() {
      const text = await readFile(env.LOG, "utf8").catch(() => "");
      return text.split("\n").filter((line) => line !== "");
    },
    find: (host, repository, options) => dockerCredentials({ env, ...options })({ host, repository }, {}),
  };
  if (config !== undefined) await home.write(".docker/config.json", config);
  return home;
}

/** Prints an answer for one server only, and logs what it was asked. */
const keeps = (server: string, username: string, secret: string) =>
  [
    "read -r server",
    'echo "$1 $server" >> "$LOG"',
    `if [ "$server" = "${server}" ]; then`,
    `  printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}' "$server" '${username}' '${secret}'`,
    "else echo 'credentials not found in native keychain'; exit 1; fi",
  ].join("\n");

describe("auths", () => {
  test.for([
    { key: "registry.example", host: "registry.example" },
    { key: "https://registry.example", host: "registry.example" },
    { key: "https://registry.example/", host: "registry.example" },
    { key: "http://registry.example", host: "registry.example" },
    { key: "https://registry.example/v1/", host: "registry.example" },
    { key: "https://registry.example/v2/", host: "registry.example" },
    { key: "https://registry.example/v2", host: "registry.example" },
    { key: "Registry.Example", host: "registry.EXAMPLE" },
    { key: "registry.example:5000", host: "registry.example:5000" },
    { key: "https://registry.example:5000/v2/", host: "registry.example:5000" },
    { key: "[::1]:5000", host: "[::1]:5000" },
    ...["docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"].flatMap((key) =>
      ["docker.io", "index.docker.io", "registry-1.docker.io"].map((host) => ({ key, host })),
    ),
  ])("key $key is good for $host", async ({ key, host }) => {
    const home = await aHome({ auths: { [key]: entry("robot:secret") } });
    expect(await home.find(host, "lib/app")).toEqual({ username: "robot", password: "secret" });
    expect(await home.find(host)).toEqual({ username: "robot", password: "secret" });
  });

  test.for([
    { key: "registry.example", host: "registry.example:5000" },
    { key: "registry.example:5000", host: "registry.example" },
    { key: "registry.example", host: "registry.example.evil" },
    { key: "registry.example", host: "my.registry.example" },
    { key: "registry.example/v2", host: "registry.example" },
    { key: "registry.example/lib", host: "registry.example" },
    { key: "", host: "registry.example" },
    { key: "__proto__", host: "registry.example" },
    { key: "docker.io.evil", host: "docker.io" },
  ])("key $key is not good for $host", async ({ key, host }) => {
    const home = await aHome(`{"auths":{${JSON.stringify(key)}:${JSON.stringify(entry("robot:secret"))}}}`);
    expect(await home.find(host, "app")).toBeUndefined();
  });

  test.for([
    ["a/b/c", "deep"],
    ["a/b/c/d", "deep"],
    ["a/b/cd", "middle"],
    ["a/b", "middle"],
    ["a/bc", "shallow"],
    ["ab", "host"],
    [undefined, "host"],
  ] as const)("for %s the most specific key is that of %s", async ([repository, username]) => {
    const auths = {
      "host.example/a": entry("shallow:x"),
      "host.example/a/b/c": entry("deep:x"),
      "host.example": entry("host:x"),
      "host.example/a/b": entry("middle:x"),
    };
    const home = await aHome({ auths });
    expect(await home.find("host.example", repository)).toMatchObject({ username });
  });

  test("the key as it was asked for goes before its other spellings", async () => {
    const home = await aHome({ auths: { "https://host.example/v1/": entry("old:x"), "host.example": entry("new:x") } });
    expect(await home.find("host.example")).toMatchObject({ username: "new" });
  });

  test.for<{ name: string; entry: unknown; credentials: Credentials | undefined }>([
    { name: "a password with colons", entry: entry("u:a:b:"), credentials: { username: "u", password: "a:b:" } },
    { name: "an empty user name", entry: entry(":x"), credentials: { username: "", password: "x" } },
    { name: "zero bytes at its end", entry: entry("u:x\0\0"), credentials: { username: "u", password: "x" } },
    { name: "no padding", entry: { auth: "dTp4eA" }, credentials: { username: "u", password: "xx" } },
    { name: "letters outside ASCII", entry: entry("ü:пароль"), credentials: { username: "ü", password: "пароль" } },
    {
      name: "user name and password beside each other",
      entry: { username: "u", password: "x", email: "a@b" },
      credentials: { username: "u", password: "x" },
    },
    {
      name: "an identity token",
      entry: { ...entry("u:"), identitytoken: "r" },
      credentials: { identityToken: "r", username: "u" },
    },
    { name: "a token without a user", entry: { identitytoken: "r" }, credentials: { identityToken: "r" } },
    { name: "a registry token", entry: { ...entry("u:x"), registrytoken: "t" }, credentials: { accessToken: "t" } },
    { name: "nothing", entry: {}, credentials: undefined },
    { name: "empty texts", entry: { auth: "", username: "", identitytoken: null }, credentials: undefined },
  ])("an entry with $name is understood", async ({ entry, credentials }) => {
    const home = await aHome({ auths: { host: entry } });
    expect(await home.find("host")).toEqual(credentials);
  });
});

describe("the files", () => {
  const one = (username: string) => ({ auths: { host: entry(`${username}:x`) } });

  test("that are not there are passed over", async () => {
    const home = await aHome();
    expect(await home.find("host")).toBeUndefined();
    expect(await home.find("host", "app", { configPath: join(home.folder, "none", "at", "all.json") })).toBeUndefined();
  });

  test("are docker's, then podman's, each in its places", async () => {
    const home = await aHome(one("docker-home"));
    home.env.XDG_RUNTIME_DIR = join(home.folder, "run");
    const places: [string, string][] = [
      ["podman-home", await home.write(".config/containers/auth.json", one("podman-home"))],
      ["podman-run", await home.write("run/containers/auth.json", one("podman-run"))],
    ];
    home.env.REGISTRY_AUTH_FILE = await home.write("elsewhere.json", one("podman-file"));
    places.push(["podman-file", home.env.REGISTRY_AUTH_FILE], ["docker-home", home.configPath]);
    for (let place = places.pop(); place; place = places.pop()) {
      expect(await home.find("host")).toMatchObject({ username: place[0] });
      await rm(place[1]);
    }
    expect(await home.find("host")).toBeUndefined();
  });

  test("are looked for where DOCKER_CONFIG and XDG_CONFIG_HOME say", async () => {
    const home = await aHome(one("wrong"));
    home.env.DOCKER_CONFIG = dirname(await home.write("dc/config.json", one("docker")));
    home.env.XDG_CONFIG_HOME = join(home.folder, "xdg");
    await home.write("xdg/containers/auth.json", one("podman"));
    expect(await home.find("host")).toMatchObject({ username: "docker" });
    await rm(join(home.folder, "dc/config.json"));
    expect(await home.find("host")).toMatchObject({ username: "podman" });
  });

  test("that know nothing of the host leave it to the next one", async () => {
    const home = await aHome({ auths: { other: entry("a:b"), host: {} } });
    await home.write(".config/containers/auth.json", one("podman"));
    expect(await home.find("host")).toMatchObject({ username: "podman" });
  });

  test("are read once, and again when they were changed", async () => {
    const home = await aHome(one("first"));
    const at = new Date(1_700_000_000_000);
    await utimes(home.configPath, at, at);
    const find = dockerCredentials({ env: home.env });
    expect(await find({ host: "host" }, {})).toMatchObject({ username: "first" });
    await home.write(".docker/config.json", one("third"));
    await utimes(home.configPath, at, at); // the same time, size and place: nobody could tell
    expect(await find({ host: "host" }, {})).toMatchObject({ username: "first" });
    await utimes(home.configPath, at, new Date(at.getTime() + 1));
    expect(await find({ host: "host" }, {})).toMatchObject({ username: "third" });
  });

  test.for<{ name: string; content: string; reason: RegExp }>([
    { name: "is empty", content: "", reason: /not JSON/ },
    { name: "is cut", content: `{"auths":{"host":{"auth":"${base64("u:hunter2")}"`, reason: /not JSON/ },
    { name: "holds a bare secret", content: "hunter2", reason: /not JSON/ },
    { name: "is a list", content: '["hunter2"]', reason: /not a configuration/ },
    { name: "has auths of the wrong kind", content: '{"auths":"hunter2"}', reason: /not a configuration/ },
    { name: "has an entry of the wrong kind", content: '{"auths":{"host":"hunter2"}}', reason: /not a configuration/ },
    { name: "has no base64", content: '{"auths":{"host":{"auth":"hunter2!"}}}', reason: /base64/ },
    { name: "has no colon", content: `{"auths":{"host":{"auth":"${base64("hunter2")}"}}}`, reason: /user:password/ },
    { name: "is not UTF-8", content: '{"auths":{"host":{"auth":"//46/w=="}}}', reason: /user:password/ },
    {
      name: "has a token with a line break",
      content: '{"auths":{"host":{"registrytoken":"hunter2\\r\\nx: y"}}}',
      reason: /access token/,
    },
    { name: "is endless", content: `{"auths":{},"x":"${"hunter2".repeat(200_000)}"}`, reason: /larger than/ },
    { name: "names a helper by a path", content: '{"credsStore":"../../hunter2"}', reason: /plain word/ },
    { name: "names a helper with a space", content: '{"credHelpers":{"host":"a hunter2"}}', reason: /plain word/ },
    { name: "names a helper with a switch", content: '{"credsStore":"-hunter2"}', reason: /plain word/ },
  ])("one that $name is an error that tells nothing of it", async ({ content, reason }) => {
    const home = await aHome(content);
    const error: unknown = await home.find("host", "app").catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: "CREDENTIALS_UNUSABLE",
      details: { source: home.configPath, reason: expect.stringMatching(reason) },
    });
    const told = inspect(error, { depth: 12, showHidden: true });
    expect(told).not.toContain("hunter2");
    expect(told).not.toContain(base64("hunter2").slice(0, 8));
  });

  test("a folder or a pipe in a file's place is an error, and keeps nobody waiting", async () => {
    const home = await aHome();
    await mkdir(home.configPath, { recursive: true });
    await expect(home.find("host")).rejects.toMatchObject({ code: "CREDENTIALS_UNUSABLE" });
    const pipe = join(home.folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    await expect(home.find("host", "app", { configPath: pipe })).rejects.toMatchObject({
      code: "CREDENTIALS_UNUSABLE",
    });
  });
});

describe("helper programs", () => {
  test("one for the host goes before the store, and the store before the file", async () => {
    const home = await aHome({
      auths: { host: entry("file:x"), other: entry("file:x"), third: entry("file:x") },
      credHelpers: { host: "one" },
      credsStore: "all",
    });
    await home.helper("one", keeps("host", "one", "x"));
    await home.helper("all", keeps("other", "all", "x"));
    expect(await home.find("host")).toEqual({ username: "one", password: "x" });
    expect(await home.find("other")).toEqual({ username: "all", password: "x" });
    expect(await home.find("third")).toEqual({ username: "file", password: "x" });
    expect(await home.log()).toEqual(["get host", "get other", "get third"]);
  });

  test("an empty name for a host keeps the store out of it", async () => {
    const home = await aHome({ auths: { host: entry("file:x") }, credHelpers: { host: "" }, credsStore: "all" });
    await home.helper("all", keeps("host", "all", "x"));
    expect(await home.find("host")).toMatchObject({ username: "file" });
    expect(await home.log()).toEqual([]);
  });

  test("the user name <token> makes the secret an identity token", async () => {
    const home = await aHome({ credsStore: "all" });
    await home.helper("all", keeps("host", "<token>", "r"));
    expect(await home.find("host")).toEqual({ identityToken: "r" });
  });

  test.for(["https://index.docker.io/v1/", "docker.io"])("Docker Hub is found under %s", async (server) => {
    const home = await aHome({ credHelpers: { "https://index.docker.io/v1/": "hub" } });
    await home.helper("hub", keeps(server, "me", "x"));
    expect(await home.find("registry-1.docker.io", "library/alpine")).toEqual({ username: "me", password: "x" });
  });

  test.for([
    "echo 'credentials not found in native keychain'; exit 1",
    "echo 'Error: credentials not found in native keychain' >&2; exit 1",
    `echo '{"ServerURL":"host","Username":"","Secret":""}'`,
  ])("one that says `%s` knows nothing", async (script) => {
    const home = await aHome({ credsStore: "all" });
    await home.helper("all", script);
    expect(await home.find("host")).toBeUndefined();
  });

  test("what one says aside does not spoil its answer", async () => {
    const home = await aHome({ credsStore: "all" });
    await home.helper("all", `echo 'warning: old' >&2\n${keeps("host", "u", "x")}`);
    expect(await home.find("host")).toEqual({ username: "u", password: "x" });
  });

  test.for<{ name: string; script: string; reason: RegExp }>([
    { name: "fails", script: "echo hunter2; echo hunter2 >&2; exit 3", reason: /status 3/ },
    { name: "is killed", script: "kill -9 $$", reason: /SIGKILL/ },
    { name: "says nothing", script: "true", reason: /not that of a helper/ },
    { name: "says no JSON", script: "echo hunter2", reason: /not that of a helper/ },
    { name: "says other JSON", script: `echo '{"Secret":"hunter2"}'`, reason: /not that of a helper/ },
    { name: "says too much", script: "while :; do echo hunter2hunter2hunter2; done", reason: /more than 65536/ },
    {
      name: "says a user name with a colon",
      script: `echo '{"Username":"a:b","Secret":"hunter2"}'`,
      reason: /colon/,
    },
  ])("one that $name is an error that tells nothing of what it said", async ({ script, reason }) => {
    const home = await aHome({ auths: { host: entry("file:x") }, credsStore: "all" });
    await home.helper("all", script);
    const error: unknown = await home.find("host").catch((caught: unknown) => caught);
    const details = { source: "docker-credential-all", reason: expect.stringMatching(reason) };
    expect(error).toMatchObject({ code: "CREDENTIALS_UNUSABLE", details });
    expect(inspect(error, { depth: 12, showHidden: true })).not.toContain("hunter2");
  });

  test("one that is not there is an error", async () => {
    const home = await aHome({ credsStore: "nowhere" });
    await expect(home.find("host")).rejects.toMatchObject({
      code: "CREDENTIALS_UNUSABLE",
      details: { source: "docker-credential-nowhere", reason: expect.stringContaining("PATH") },
    });
  });

  /** Starts a child of its own and says who both are, then never ends. */
  const lingers = 'sleep 1000 & echo "$$ $!" >> "$LOG"; wait';

  /** Resolves once none of the processes is there any more; a killed one may take a moment to be collected. */
  async function gone(pids: readonly number[]): Promise<void> {
    await expect.poll(() => pids.filter(isRunning), { timeout: 10_000, interval: 10 }).toEqual([]);
  }

  function isRunning(pid: number): boolean {
    try {
      const state = execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
      return !state.trim().startsWith("Z");
    } catch {
      return false;
    }
  }

  test("one that does not answer in time is killed, with what it started", async () => {
    const home = await aHome({ credsStore: "all" });
    await home.helper("all", lingers);
    const find = home.find("host", "app", { helperTimeoutMs: 500 });
    await expect(find).rejects.toMatchObject({ details: { reason: "no answer within 500 ms" } });
    await gone((await home.log()).flatMap((line) => line.split(" ").map(Number)));
  });

  test("one that nobody waits for any more is killed, with what it started", async () => {
    const home = await aHome({ credsStore: "all" });
    await home.helper("all", lingers);
    const controller = new AbortController();
    const reason = new Error("enough");
    const find = dockerCredentials({ env: home.env })({ host: "host" }, { signal: controller.signal });
    const rejected = expect(find).rejects.toBe(reason);
    await expect.poll(() => home.log(), { timeout: 10_000, interval: 10 }).toHaveLength(1);
    controller.abort(reason);
    await rejected;
    await gone((await home.log()).flatMap((line) => line.split(" ").map(Number)));
  });

  test("one answer serves all repositories of a host; who asks again gets a new one", async () => {
    const home = await aHome({ credsStore: "all" });
    await home.helper("all", keeps("host", "u", "x"));
    const find = dockerCredentials({ env: home.env });
    const repositories = Array.from({ length: 10 }, (_, n) => `app${n}`);
    await Promise.all(repositories.map((repository) => find({ host: "host", repository }, {})));
    await find({ host: "host" }, {});
    expect(await home.log()).toHaveLength(1);
    await Promise.all(repositories.map((repository) => find({ host: "host", repository }, {})));
    expect(await home.log()).toHaveLength(2);
  });
});
