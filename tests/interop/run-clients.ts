import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { goTool, goToolVersion } from "../support/go-tools.ts";
import { lacking } from "../support/tools.ts";
import { fill } from "./clients/content.ts";
import { crane } from "./clients/crane.ts";
import { oras } from "./clients/oras.ts";
import { type Outcome, pageOf } from "./clients/page.ts";
import { regctl } from "./clients/regctl.ts";
import { environmentFor, type Setting, serverOptions, settings } from "./clients/settings.ts";
import { Shell } from "./clients/shell.ts";
import { skopeo } from "./clients/skopeo.ts";
import type { Story } from "./clients/story.ts";

/**
 * Has other people's clients work with our server, in every setting of it, and compares what they did by digest.
 *
 *     npx -y pnpm@10 interop [--write]     --write keeps the transcript in docs/interop.md
 */
const stories: readonly Story[] = [skopeo, oras, crane, regctl];
const built = ["crane", "oras", "regctl"] as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
  const programs = await findPrograms();
  const outcomes: Outcome[] = [];
  for (const setting of settings) {
    for (const story of stories) {
      const outcome = await tell(story, setting, programs);
      outcomes.push(outcome);
      console.log(`${setting.name}: ${story.client}: ${outcome.failure ?? "passed"}`);
      if (outcome.failure !== undefined) process.exitCode = 1;
    }
  }
  if (values.write) {
    const page = fileURLToPath(new URL("../../docs/interop.md", import.meta.url));
    await writeFile(page, pageOf(outcomes, await versions()));
  }
}

async function findPrograms(): Promise<ReadonlyMap<string, string>> {
  const programs = new Map<string, string>();
  const missing = lacking("skopeo", "openssl").map((name) => `${name} is not installed`);
  for (const name of built) {
    const tool = await goTool(name);
    if (tool.path === undefined) missing.push(tool.missing);
    else programs.set(name, tool.path);
  }
  if (missing.length > 0) throw new Error(missing.join("; "));
  return programs;
}

async function versions(): Promise<ReadonlyMap<string, string>> {
  const shell = new Shell({ programs: new Map(), folder: tmpdir(), environment: {}, names: [] });
  const [, installed = ""] = (await shell.run("skopeo", "--version")).split("version ");
  const ours = await Promise.all(built.map(async (name) => [name, await goToolVersion(name)] as const));
  return new Map([["skopeo", `${installed} of Debian`], ...ours]);
}

/** One client's story with a server, and a folder, of its own. */
async function tell(
  { client, tell }: Story,
  setting: Setting,
  programs: ReadonlyMap<string, string>,
): Promise<Outcome> {
  const home = await mkdtemp(join(tmpdir(), "tranship-interop-"));
  try {
    const folder = join(home, "work");
    await mkdir(folder);
    await using server = await setting.serve(serverOptions(setting, home));
    const { host, registry } = server;
    await fill(registry);
    const names = [
      [host, "$HOST"],
      [folder, "$DIR"],
    ] as const;
    const shell = new Shell({ programs, folder, environment: environmentFor(setting, host, home), names });
    const outcome = { client, setting: setting.name, entries: shell.entries };
    try {
      await tell(shell, { host, registry, folder, isPlainHttp: setting.isTls !== true });
      return outcome;
    } catch (error) {
      return { ...outcome, failure: error instanceof Error ? error.message : String(error) };
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

await main();
