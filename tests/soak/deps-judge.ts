import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Names of files that a killed run may leave: nothing reads them, and the next run that changes the place tidies up. */
const temporary = /(?:^|\/)\.(?:[^/]+\.)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp(?:\/|$)/;

/** What a killed run may leave in the folder with notes. */
const unfinished = /(?:^|\/)\.tranship\/(?:partial\/|commit\/|commit\.json$)/;

/** What a killed run may leave in an image layout for a day, for others may be writing there. */
const layoutFile = /(?:^|\/)(?:registry|templates\/charts)\/.*\/\.[0-9a-f-]{36}\.tmp$/;

const blob = /(?:^|\/)blobs\/(sha256|sha512)\/([0-9a-f]{64,128})$/;
const history = /^(.*\/manifests\/[^/]*[-_])[0-9]{8}T[0-9]{6}Z([-_][0-9a-f]{12}\.json)$/;
const mirror = /(?:^|\/)git\/.*\.git\//;

/** The files of a cache and of the image store beside it. */
export interface JudgedCache {
  /** What must never be: torn JSON, content under a wrong digest, manifests of different generations. */
  readonly faults: readonly string[];
  /** What a run that was killed may leave, and no other. */
  readonly leftovers: readonly string[];
  /** Equal for equal caches: a line for each file, its name and what is in it; and for each ref of git mirrors. */
  readonly lines: readonly string[];
}

/**
 * Reads all of a cache strictly.
 * @param home the folder with `deps` and `registry`
 */
export function judgeCache(home: string): JudgedCache {
  const faults: string[] = [];
  const leftovers: string[] = [];
  const lines: string[] = [];
  for (const path of filesIn(home)) {
    if (mirror.test(path) && !temporary.test(path)) continue;
    if ((temporary.test(path) || unfinished.test(path)) && !layoutFile.test(path)) leftovers.push(path);
    if (temporary.test(path)) continue;
    const full = join(home, path);
    const found = lstatSync(full);
    if (found.isSymbolicLink()) {
      lines.push(`${path} -> ${readlinkSync(full)}`);
      if (!existsSync(full)) faults.push(`${path} leads nowhere`);
      continue;
    }
    const bytes = readFileSync(full);
    const [, algorithm, hex] = blob.exec(path) ?? [];
    if (algorithm !== undefined && hash(algorithm, bytes) !== hex) faults.push(`${path} holds something else`);
    const fault = faultOfJson(path, bytes);
    if (fault !== undefined) faults.push(`${path}: ${fault}`);
    if (!path.includes(".tranship/")) lines.push(lineOf(path, bytes));
  }
  for (const path of mirrorsIn(home)) lines.push(...refsOf(home, path, faults));
  faults.push(...mixed(home));
  return { faults, leftovers, lines: lines.sort() };
}

/** The versions of the manifests that are cached; `undefined` for one that is not. */
export function manifestVersions(home: string): readonly (string | undefined)[] {
  const names = {
    vmconfig: "vmconfig_knc_debian-13_amd64",
    components: "components",
    templates: "templates",
    seeds: "seeds",
  };
  return Object.entries(names).map(([name, file]) => {
    const path = join(home, "deps", name, "manifests", `${file}.json`);
    if (!existsSync(path)) return undefined;
    const { [name]: inner } = JSON.parse(readFileSync(path, "utf8")) as Record<string, { readonly version: string }>;
    return inner?.version.replace(/-.*/, "");
  });
}

function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function faultOfJson(path: string, bytes: Buffer): string | undefined {
  const isStamps = path.endsWith(".tranship/stamps");
  if (!isStamps && !path.endsWith(".json") && !path.endsWith("/oci-layout")) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const end = isStamps ? text.indexOf("\n") : 0;
    if (isStamps) JSON.parse(text.slice(0, end));
    JSON.parse(text.slice(end));
    return undefined;
  } catch (error) {
    return `torn: ${(error as Error).message}`;
  }
}

function lineOf(path: string, bytes: Buffer): string {
  const name = path.replace(history, "$1TIME$2");
  if (!path.endsWith("/index.json")) return `${name} ${hash("sha256", bytes)}`;
  const { manifests } = JSON.parse(bytes.toString("utf8")) as { readonly manifests: readonly unknown[] };
  return `${name} ${manifests.map((one) => JSON.stringify(one)).sort()}`; // in whatever order they came
}

/** Manifests of different generations, unless a commit is recorded: whoever opens the cache finishes it. */
function mixed(home: string): readonly string[] {
  const versions = new Set(manifestVersions(home));
  if (versions.size < 2 || existsSync(join(home, "deps", ".tranship", "commit.json"))) return [];
  return [`manifests of ${[...versions].join(" and ")} beside each other`];
}

function mirrorsIn(home: string): readonly string[] {
  const heads = filesIn(home).filter((path) => path.endsWith(".git/HEAD") && !temporary.test(path));
  return heads.map((path) => path.slice(0, -"/HEAD".length));
}

function refsOf(home: string, path: string, faults: string[]): readonly string[] {
  const git = (...words: string[]) =>
    execFileSync("git", [`--git-dir=${join(home, path)}`, ...words], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  try {
    git("fsck", "--connectivity-only", "--no-dangling", "--no-progress");
    return git("show-ref")
      .trim()
      .split("\n")
      .map((line) => `${path} ${line}`);
  } catch (error) {
    faults.push(`${path}: ${(error as Error).message}`);
    return [];
  }
}

function hash(algorithm: string, bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest("hex");
}
