import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { ProgramFolder } from "../../../../../tests/support/program-folder.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { lacking } from "../../../../../tests/support/tools.ts";
import { HostSlots } from "../jobs/host-slots.ts";
import type { BringContext } from "../jobs/item-job.ts";
import type { DepsItem, GitMirrorSource } from "../manifest.ts";
import { allowHosts, type HostPolicy } from "../trust/host-policy.ts";
import { parseGitAddress, urlToKeep } from "./git-address.ts";
import { createGitJob, gitJob } from "./git-job.ts";

const missing = lacking("git");
if (missing.length > 0) console.warn("deps/git: skipped, git is not installed");
const gitTest = test.skipIf(missing.length > 0 || process.platform === "win32");

const job = createGitJob({ allowLocal: true });
const author = ["-c", "user.name=Ann", "-c", "user.email=ann@x.example", "-c", "init.defaultBranch=main"];

function git(folder: string, ...args: readonly string[]): string {
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: "1" };
  return execFileSync("git", [...author, "-C", folder, ...args], { env, stdio: ["ignore", "pipe", "pipe"] })
    .toString()
    .trim();
}

let template: string | undefined;

afterAll(() => {
  if (template !== undefined) rmSync(template, { recursive: true });
});

/** A repository with a commit on `main`, tagged `v1.0.0`. */
function aRepository(): string {
  if (template === undefined) {
    template = mkdtempSync(join(tmpdir(), "tranship-git-"));
    git(template, "init", "--quiet", "--template=");
    commit(template, "one");
    git(template, "tag", "-a", "-m", "first", "v1.0.0");
  }
  const folder = join(tempFolder(), "origin.git");
  cpSync(template, folder, { recursive: true });
  return folder;
}

function commit(folder: string, text: string): string {
  writeFileSync(join(folder, "file"), text);
  git(folder, "add", "file");
  git(folder, "commit", "--quiet", "-m", text);
  return git(folder, "rev-parse", "HEAD");
}

function gitItem(
  url: string,
  ref: GitMirrorSource["ref"],
  path = join(tempFolder(), "git/host/a/origin.git"),
): DepsItem {
  return {
    id: "git/origin",
    version: ref.name,
    source: { type: "git", url, ref },
    selectors: {},
    sink: { type: "file", path, links: [] },
    labels: {},
  };
}

const main = { type: "branch", name: "main" } as const;

interface ContextOptions {
  readonly program?: string;
  readonly signal?: AbortSignal;
  readonly hosts?: HostPolicy;
}

function context({ program, signal = new AbortController().signal, hosts }: ContextOptions = {}): BringContext {
  const nobody = () => {
    throw new Error("nobody is to be asked");
  };
  return {
    contents: { check: nobody, note: nobody, known: nobody },
    isDeep: false,
    signal,
    access: { files: { fetch: nobody }, registry: nobody, hosts, git: program },
    staging: { fill: nobody, prepare: async () => {}, blank: nobody },
    slots: new HostSlots({ total: 1 }),
    progress: { started: () => {}, add: () => {}, total: () => {} },
  };
}

function pathOf({ sink }: DepsItem): string {
  return sink.type === "file" ? sink.path : "";
}

function refsOf(folder: string): string {
  return git(folder, "for-each-ref", "--format=%(refname) %(objectname)");
}

gitTest("a repository is mirrored, brought up to date with what moved and went, and cloned from", async () => {
  const origin = aRepository();
  git(origin, "branch", "topic");
  git(origin, "update-ref", "refs/pull/1/head", "HEAD");
  const item = gitItem(origin, main);
  const path = pathOf(item);
  expect(await job.probe(item, context())).toBe("absent");
  const content = await job.bring(item, context());
  expect(content).toEqual({ path, sizeBytes: expect.any(Number) });
  expect(await job.content(item, context())).toEqual(content);
  expect(refsOf(path)).toBe(refsOf(origin));
  expect(await job.probe(item, context())).toBe("unpinned");

  git(origin, "branch", "-D", "topic");
  git(origin, "branch", "topic/deeper"); // where a branch was there is a folder now
  git(origin, "commit", "--quiet", "--amend", "-m", "another first"); // no fast-forward
  git(origin, "branch", "-m", "main", "trunk");
  const trunk = gitItem(origin, { type: "branch", name: "trunk" }, path);
  expect(await job.probe(trunk, context())).toBe("absent");
  const tagged = gitItem(origin, { type: "tag", name: "v1.0.0" }, path);
  await Promise.all([trunk, tagged].map((one) => job.bring(one, context()))); // two refs of one mirror
  expect(refsOf(path)).toBe(refsOf(origin));

  const clone = join(tempFolder(), "clone");
  git(dirname(clone), "clone", "--quiet", path, clone);
  expect(git(clone, "rev-parse", "HEAD")).toBe(git(origin, "rev-parse", "trunk"));
  expect(readdirSync(dirname(path))).toEqual(["origin.git"]);
});

gitTest("a mirror with harmed bytes is found by a deep look, and made anew", async () => {
  const origin = aRepository();
  const item = gitItem(origin, { type: "tag", name: "v1.0.0" });
  await job.bring(item, context());
  const objects = join(pathOf(item), "objects");
  const blob = git(origin, "rev-parse", "HEAD:file");
  const loose = join(objects, blob.slice(0, 2), blob.slice(2));
  const pack = readdirSync(join(objects, "pack")).find((name) => name.endsWith(".pack"));
  const path = existsSync(loose) ? loose : join(objects, "pack", pack ?? "");
  const bytes = readFileSync(path);
  bytes[bytes.length - 30] = (bytes.at(-30) ?? 0) ^ 1;
  rmSync(path);
  writeFileSync(path, bytes);
  expect(await job.probe(item, context())).toBe("present");
  expect(await job.probe(item, { ...context(), isDeep: true })).toBe("differs");
  await job.bring(item, context());
  expect(await job.probe(item, { ...context(), isDeep: true })).toBe("present");
  git(pathOf(item), "fsck", "--full");
});

gitTest("a ref is there or not: by branch, tag, commit and exact version", async () => {
  const origin = aRepository();
  const first = git(origin, "rev-parse", "HEAD");
  git(origin, "tag", "1.1");
  git(origin, "branch", first.slice(0, 8)); // named like a commit
  const item = gitItem(origin, main);
  await job.bring(item, context());
  for (const [type, name, presence] of [
    ["branch", "main", "unpinned"],
    ["branch", "v1.0.0", "absent"],
    ["branch", "main~0", "absent"],
    ["branch", "../tags/v1.0.0", "absent"],
    ["tag", "v1.0.0", "present"],
    ["tag", "1.0.0", "absent"],
    ["tag", "main", "absent"],
    ["tag", "--all", "absent"],
    ["semver", "1.0.0", "present"],
    ["semver", "v1.0.0", "present"],
    ["semver", " 1.1 ", "present"],
    ["semver", "v1.1", "absent"],
    ["semver", "2.0.0", "absent"],
    ["semver", "^1.0.0", "unpinned"],
    ["semver", "1.0.0-beta.1", "unpinned"],
    ["commit", first, "present"],
    ["commit", first.slice(0, 7).toUpperCase(), "present"],
    ["commit", "0".repeat(40), "absent"],
  ] as const) {
    const wanted = gitItem(origin, { type, name }, pathOf(item));
    expect(await job.probe(wanted, context()), `${type} ${name}`).toBe(presence);
  }
  for (const name of ["HEAD", "123456", "main", "--help", "v1.0.0"]) {
    const wanted = gitItem(origin, { type: "commit", name }, pathOf(item));
    await expect(job.probe(wanted, context()), name).rejects.toMatchObject({ code: "GIT_SOURCE" });
  }
  const lost = gitItem(origin, { type: "semver", name: "3.0.0" }, pathOf(item));
  await expect(job.bring(lost, context())).rejects.toMatchObject({
    code: "GIT_SOURCE",
    message: expect.stringMatching(/it has no tag for version "3\.0\.0"/),
  });
});

test.for([
  "ext::sh -c touch% /tmp/pwned",
  "--upload-pack=touch",
  "-oProxyCommand=touch@host:path",
  "file:///etc",
  "/etc",
  "../up",
  "ftp://host/path",
  "https://user:secret@host:port/path",
  "fd::17/x",
  "https://host/a\nb",
  "",
  // what git, or what it fetches with, takes for other hosts than URLs have
  "ssh://evil.example%2f@host/path",
  "ssh://evil.example%2f.host/path",
  "git://evil.example%3a22%2f@host/path",
  "ssh://host#@evil.example/path",
  "ssh://host?@evil.example/path",
  "ssh://[host@evil.example]/path",
  "https://host\\@evil.example/path",
  "https://a@host@evil.example/path",
])("%j is no address of a repository, and no git is run", async (url) => {
  const item = gitItem(url, main);
  const error = await gitJob.bring(item, context({ program: "/nowhere/git" })).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "GIT_SOURCE", message: expect.not.stringContaining("secret") });
});

test("hosts that are not allowed are not asked; no secrets are in what is told of an address", async () => {
  const hosts = allowHosts(["git.example"]);
  const item = gitItem("https://user:secret@other.example/a?token=secret", main);
  await expect(gitJob.bring(item, context({ program: "/nowhere/git", hosts }))).rejects.toMatchObject({
    code: "HOST_FORBIDDEN",
    details: { host: "other.example" },
  });
  expect(parseGitAddress("git@host.example:a/b.git")).toMatchObject({
    scheme: "ssh",
    host: "host.example",
    path: "a/b.git",
  });
  expect(parseGitAddress("https://user:secret@h/a?b=secret").shown).not.toContain("secret");
  for (const url of ["https://secret@h/a?b=secret#secret", "http://u:secret@h/a", "ssh://git:secret@h/a"])
    expect(urlToKeep(url)).not.toContain("secret"); // in mirrors and archives
});

gitTest("a git that is not there, cannot be run or fails is told", async () => {
  const origin = aRepository();
  const item = gitItem(origin, main);
  await expect(job.bring(item, context({ program: "git-none" }))).rejects.toMatchObject({
    code: "TOOL_MISSING",
    details: { tool: "git-none" },
  });
  const programs = new ProgramFolder().add(
    "git-bad",
    "echo 'fatal: https://u:secret@h/x?t=secret is gone' >&2; exit 3",
  );
  const bad = join(programs.path, "git-bad");
  const error = await job.bring(item, context({ program: bad })).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "GIT_FAILED",
    details: {
      url: origin,
      reason: "fatal: https://***@h/x?*** is gone",
      output: "fatal: https://***@h/x?*** is gone",
    },
  });
  programs.add(
    "git-wordy",
    "{ head -c 250000 /dev/zero | tr '\\0' a; echo; echo 'fatal: https://u:secret@h/x is gone'; } >&2; exit 3",
  );
  const wordy = job.bring(item, context({ program: join(programs.path, "git-wordy") }));
  await expect(wordy).rejects.toMatchObject({ details: { reason: "fatal: https://***@h/x is gone" } });
  programs.add("git-full", "echo 'fatal: write error: No space left on device' >&2; exit 128");
  const full = job.bring(item, context({ program: join(programs.path, "git-full") }));
  await expect(full).rejects.toMatchObject({ code: "NO_SPACE", details: { path: pathOf(item) } });
  const silent = createGitJob({ allowLocal: true, idleTimeoutMs: 20, program: join(programs.path, "git-silent") });
  programs.add("git-silent", "sleep 60");
  await expect(silent.bring(item, context())).rejects.toMatchObject({
    code: "GIT_FAILED",
    details: { reason: "git said nothing for too long" },
  });
  const gone = gitItem(join(origin, "none"), main);
  await expect(job.bring(gone, context())).rejects.toMatchObject({ code: "GIT_FAILED" });
  expect(readdirSync(dirname(pathOf(gone)))).toEqual([]);
});

gitTest("an abort ends git and what it started, and leaves nothing", async () => {
  const marker = join(tempFolder(), "started");
  const script = `for last; do :; done; mkdir -p "$last"; sleep 60 & echo $! > ${marker}.tmp; mv ${marker}.tmp ${marker}; wait`;
  const programs = new ProgramFolder().add("git-slow", script);
  const ending = new AbortController();
  const item = gitItem(aRepository(), main);
  const done = job.bring(item, context({ program: join(programs.path, "git-slow"), signal: ending.signal }));
  done.catch(() => {});
  while (!existsSync(marker)) await new Promise((resolve) => setTimeout(resolve, 5));
  const reason = new Error("enough");
  ending.abort(reason);
  await expect(done).rejects.toBe(reason);
  expect(readdirSync(dirname(pathOf(item)))).toEqual([]);
  const sleeper = Number(readFileSync(marker, "utf8"));
  await expect.poll(() => isRunning(sleeper)).toBe(false);
});

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

gitTest.for([
  {
    name: "half a clone",
    harm: (path: string) => {
      rmSync(join(path, "objects"), { recursive: true });
      rmSync(join(path, "refs"), { recursive: true });
    },
  },
  { name: "a mirror whose objects are gone", harm: (path: string) => emptyFolders(join(path, "objects")) },
  { name: "locks of a git that was killed", harm: lockAll },
  { name: "an empty folder", harm: emptyFolders },
])("$name is completed or replaced", async ({ harm }) => {
  const origin = aRepository();
  const item = gitItem(origin, main);
  const path = pathOf(item);
  await job.bring(item, context());
  harm(path);
  const leftover = join(dirname(path), `.origin.git.${crypto.randomUUID()}.tmp`);
  mkdirSync(leftover);
  commit(origin, "two");
  await job.bring(item, context());
  expect(refsOf(path)).toBe(refsOf(origin));
  git(path, "fsck", "--strict");
  expect(await job.probe(item, context())).toBe("unpinned");
  expect(readdirSync(dirname(path))).toEqual(["origin.git"]);
});

function emptyFolders(path: string): void {
  rmSync(path, { recursive: true });
  mkdirSync(path);
}

function lockAll(path: string): void {
  const locks = ["packed-refs.lock", "HEAD.lock", "config.lock", "refs/heads/main.lock", "refs/tags/v1.0.0.lock"];
  mkdirSync(join(path, "refs/heads"), { recursive: true });
  for (const lock of locks) writeFileSync(join(path, lock), "");
}

gitTest("a folder with something else in it stays as it is", async () => {
  const item = gitItem(aRepository(), main);
  mkdirSync(pathOf(item), { recursive: true });
  writeFileSync(join(pathOf(item), "letters"), "mine");
  await expect(job.bring(item, context())).rejects.toMatchObject({ code: "FILE_FAILED" });
  expect(readdirSync(dirname(pathOf(item)))).toEqual(["origin.git"]);
  expect(readFileSync(join(pathOf(item), "letters"), "utf8")).toBe("mine");
});

gitTest("nothing that lies in a mirror or in the environment is run or leads elsewhere", async () => {
  const origin = aRepository();
  const folder = tempFolder();
  const pwned = join(folder, "pwned");
  const hook = `#!/bin/sh\ntouch ${pwned}\n`;
  const environment = {
    ...process.env,
    HOME: folder,
    GIT_DIR: "/nowhere",
    GIT_OBJECT_DIRECTORY: "/nowhere",
    GIT_ASKPASS: "/nowhere",
    GIT_TRACE: join(folder, "trace"),
    GIT_CONFIG_PARAMETERS: "'core.fsmonitor=touch pwned'",
  };
  const careful = createGitJob({ allowLocal: true, environment });
  const item = gitItem(origin, main);
  const path = pathOf(item);
  await careful.bring(item, context());
  mkdirSync(join(path, "hooks"), { recursive: true });
  for (const name of ["reference-transaction", "post-update"])
    writeFileSync(join(path, "hooks", name), hook, { mode: 0o755 });
  const config = readFileSync(join(path, "config"), "utf8");
  const evil = `${config}\tuploadpack = touch ${pwned};\n[core]\n\tsshCommand = touch ${pwned}\n[url "/nowhere"]\n\tinsteadOf = ${origin}\n`;
  writeFileSync(join(path, "config"), evil);
  commit(origin, "two");
  await careful.bring(item, context());
  expect(refsOf(path)).toBe(refsOf(origin));
  expect(readFileSync(join(path, "config"), "utf8")).toBe(config);
  expect(readdirSync(folder)).toEqual([]);
});

/** Serves the repositories in a folder as git's own program for web servers does. */
async function serveGit(root: string, answer?: (request: IncomingMessage, response: ServerResponse) => boolean) {
  const server = createServer((request, response) => {
    if (answer?.(request, response)) return;
    const { pathname, search } = new URL(request.url ?? "", "http://x");
    const backend = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: pathname,
        QUERY_STRING: search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
        GIT_PROTOCOL: request.headers["git-protocol"] as string | undefined,
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    request.pipe(backend.stdin);
    const chunks: Buffer[] = [];
    backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    backend.on("close", () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf("\r\n\r\n");
      const headers = all.subarray(0, end).toString().split("\r\n");
      for (const line of headers) {
        const [, name = "", value = ""] = /^([^:]+): (.*)$/.exec(line) ?? [];
        if (name === "Status") response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.end(all.subarray(end + 4));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

gitTest("a repository is mirrored over the web, with a password that is neither kept nor told", async () => {
  const origin = aRepository();
  const asked: (string | undefined)[] = [];
  const host = await serveGit(dirname(origin), ({ headers, url }, response) => {
    asked.push(url);
    if (url?.startsWith("/elsewhere")) {
      response
        .writeHead(302, {
          location: `http://localhost:${host.split(":")[1]}/origin.git/info/refs?service=git-upload-pack`,
        })
        .end();
      return true;
    }
    if (headers.authorization === `Basic ${btoa("ann:secret")}`) return false;
    response.writeHead(401, { "www-authenticate": "Basic" }).end();
    return true;
  });
  const item = gitItem(`http://ann:secret@${host}/origin.git`, { type: "semver", name: "1.0.0" });
  expect(await gitJob.bring(item, context())).toMatchObject({ path: pathOf(item) });
  expect(await gitJob.probe(item, context())).toBe("present");
  expect(refsOf(pathOf(item))).toBe(refsOf(origin));
  expect(readFileSync(join(pathOf(item), "config"), "utf8")).not.toMatch(/secret|ann/);

  const wrong = gitItem(`http://ann:wrong-secret@${host}/origin.git`, main);
  const error = await gitJob.bring(wrong, context()).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "GIT_FAILED" });
  expect(JSON.stringify(error) + String(error)).not.toMatch(/secret/);

  const elsewhere = gitItem(`http://ann:secret@${host}/elsewhere`, main);
  const bound = context({ hosts: allowHosts(["127.0.0.1"]) });
  const before = asked.length;
  await expect(gitJob.bring(elsewhere, bound)).rejects.toMatchObject({ code: "GIT_FAILED" });
  expect(asked.slice(before).every((url) => url?.startsWith("/elsewhere"))).toBe(true);
});
