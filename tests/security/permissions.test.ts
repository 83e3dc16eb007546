import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { digestOf } from "@tranship/registry";
import { startFileServer, type TestRegistry } from "@tranship/registry/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { aSource } from "../support/mirror.ts";
import { runProgramIn } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";

let registry: TestRegistry;
const usualMask = process.umask();

beforeAll(async () => {
  registry = await aSource();
});

afterEach(() => void process.umask(usualMask));

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

/** What everything has that was made below a folder: permission bits by path. */
function modesIn(folder: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() || entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(folder, path), statSync(path).mode & 0o7777]),
  );
}

/** Tells how the folders are kept in which layers lie while they are looked at. */
const hook = `import { readdirSync, statSync, writeFileSync } from "node:fs";
export default () => {
  const hidden = readdirSync(process.env.SEEN_FOLDER, { recursive: true }).filter((name) => name.startsWith("."));
  const modes = hidden.map((name) => [name, statSync(process.env.SEEN_FOLDER + "/" + name).mode & 0o777]);
  writeFileSync(process.env.SEEN_FILE, JSON.stringify(modes));
};
`;

/** Makes with this mask all that commands write. */
async function everything(mask: number) {
  const [folder, aside] = [tempFolder(), tempFolder()];
  const at = (name: string) => join(folder, name);
  const [hookFile, manifest, seen] = [join(aside, "hook.mjs"), join(aside, "deps.json"), join(aside, "seen.json")];
  await using files = await startFileServer();
  const tool = Buffer.from("tool");
  const item = { id: "tool", url: files.put("/tool", tool), digest: digestOf(tool), size: tool.length };
  writeFileSync(manifest, JSON.stringify({ tranship: "deps/v1", name: "p", version: "1.0.0", items: [item] }));
  writeFileSync(hookFile, hook);
  Object.assign(process.env, { SEEN_FOLDER: folder, SEEN_FILE: seen });
  const from = `${registry.host}/demo/fe`;
  process.umask(mask);
  for (const line of [
    ["plan", "--source", from, "-o", at("plan.json")],
    ["pull", at("bundle"), "--source", from, "--include-package", "alb", "--checksums", "sha256"],
    ["verify", at("bundle"), "--evidence", at("evidence.json")],
    ["inspect", at("bundle"), "--html", at("page.html")],
    ["rootfs", `${from}/packages/alb:v1.0.2`, "-o", at("root.tar"), "--layer-cache", at("layers"), "--hook", hookFile],
    ["deps", "download", "--manifest", manifest, "--cache", at("cache")],
  ]) {
    const { code, stderr } = await runProgramIn({ PATH: process.env.PATH ?? "" }, ...line);
    expect(code, stderr).toBe(0);
  }
  process.umask(usualMask);
  const scratch = JSON.parse(readFileSync(seen, "utf8")) as readonly (readonly [string, number])[];
  return { modes: modesIn(folder), scratch };
}

describe.runIf(process.platform !== "win32")("what is written", () => {
  test("is its user's alone where the mask says so", async () => {
    const { modes, scratch } = await everything(0o077);
    expect(Object.keys(modes).length).toBeGreaterThan(15);
    expect(Object.entries(modes).filter(([, mode]) => (mode & 0o7077) !== 0)).toEqual([]);
    expect(scratch.filter(([, mode]) => (mode & 0o077) !== 0)).toEqual([]);
  });

  test("keeps layers and scratch to its user where the mask keeps nothing, and gives nobody a right to run or act as anybody", async () => {
    const { modes, scratch } = await everything(0);
    expect(scratch.length).toBeGreaterThan(0);
    expect(scratch.filter(([, mode]) => (mode & 0o077) !== 0)).toEqual([]);
    const kept = Object.entries(modes).filter(([path]) => /^layers(?:$|\/[^.])/.test(path));
    expect(kept.length).toBeGreaterThan(2);
    expect(kept.filter(([, mode]) => (mode & 0o077) !== 0)).toEqual([]);
    const isFolder = (path: string) => Object.keys(modes).some((other) => other.startsWith(`${path}/`));
    expect(Object.entries(modes).filter(([path, mode]) => !isFolder(path) && (mode & 0o6000) !== 0)).toEqual([]);
    const files = Object.entries(modes).filter(([path]) => /\.(?:tar|json|html|sha256sum)$/.test(path));
    expect(files.filter(([, mode]) => (mode & 0o111) !== 0)).toEqual([]);
  });
});
