import { printable } from "@tranship/registry";
import type { ToolEnvironment } from "../../tools/find-tool.ts";
import { runTool, type ToolEnding } from "../../tools/run-tool.ts";
import { ToolError } from "../../tools/tool-error.ts";
import { DepsError } from "../errors.ts";
import type { GitAddress } from "./git-address.ts";
import { gitEnvironment } from "./git-environment.ts";

/** How much of what git said is told, in characters. */
const maxOutputLength = 2000;

/** Below a byte a second for so long, a transfer is given up, in seconds. */
const stalledSeconds = 60;

/** What git is always told, whatever is configured. */
const settings: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.askPass=",
  "credential.interactive=false",
  "protocol.ext.allow=never",
  "transfer.fsckObjects=true",
  "fetch.fsckObjects=true",
  // What old versions of git and of other tools wrote, in many repositories, and harms nobody.
  ...["fetch.fsck", "fsck"].flatMap((when) => [
    `${when}.zeroPaddedFilemode=ignore`,
    `${when}.missingSpaceBeforeDate=ignore`,
    `${when}.badTimezone=ignore`,
  ]),
  "fetch.recurseSubmodules=false",
  "submodule.recurse=false",
  "gc.auto=0",
  "maintenance.auto=false",
  `http.lowSpeedLimit=1`,
  `http.lowSpeedTime=${stalledSeconds}`,
];

/** How git is run. */
export interface GitOptions {
  /** @defaultValue `git` */
  readonly program?: string | undefined;
  /** @defaultValue `process.env` */
  readonly environment?: ToolEnvironment | undefined;
  /** It is killed when it says nothing for so long, in milliseconds. @defaultValue 10 minutes */
  readonly idleTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One run of git. */
export interface GitRun extends GitOptions {
  /** What it does, to follow "cannot" in messages. */
  readonly step: string;
  readonly address: GitAddress;
  /** Where the mirror is, or will be, for messages. */
  readonly folder: string;
  /** The repository it works in. */
  readonly repository?: string | undefined;
  /** Whether it may reach the repository's server. @defaultValue `false`: it reaches nothing */
  readonly isOnline?: boolean | undefined;
  /** More settings. */
  readonly settings?: readonly string[] | undefined;
  /** Exit codes that are no failure. @defaultValue 0 alone */
  readonly accept?: readonly number[] | undefined;
}

/**
 * Runs git: without a shell, without anybody it could ask, without hooks, and with no other way to a server than the
 * address's. It ends, with all it started, on an abort and when it is silent for too long.
 * @throws DepsError `TOOL_MISSING`, `GIT_FAILED`, `NO_SPACE`
 */
export async function runGit(args: readonly string[], run: GitRun): Promise<ToolEnding> {
  const { program = "git", environment = process.env, idleTimeoutMs = 600_000, step, address, signal } = run;
  const words = [
    ...[...settings, ...(run.settings ?? [])].flatMap((setting) => ["-c", setting]),
    ...(run.repository === undefined ? [] : [`--git-dir=${run.repository}`]),
    ...args,
  ];
  try {
    return await runTool(program, words, {
      step,
      environment: gitEnvironment(environment, run.isOnline ? protocolsFor(address) : []),
      accept: run.accept,
      idleTimeoutMs,
      signal,
    });
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw gitError(error, run);
  }
}

/** No redirect leads from `https` to `http`; users may have configured git to use ssh in place of the web. */
function protocolsFor({ scheme }: GitAddress): readonly string[] {
  switch (scheme) {
    case "http":
      return ["http", "https", "ssh"];
    case "https":
    case "ssh":
      return ["https", "ssh"];
    default:
      return [scheme];
  }
}

function gitError(error: ToolError, { step, address, folder, program = "git" }: GitRun): DepsError {
  const { code, details } = error;
  const url = address.shown;
  if (code === "TOOL_MISSING") {
    const message = `cannot ${step}: no program ${program} is on PATH`;
    return new DepsError("TOOL_MISSING", message, { tool: program });
  }
  const said = "output" in details ? withoutSecrets(details.output) : "";
  const output = printable(said.slice(-maxOutputLength), maxOutputLength);
  if (/No space left on device|Disk quota exceeded/.test(said)) {
    const message = `cannot ${step}: the file system of ${folder} is full`;
    return new DepsError("NO_SPACE", message, { path: folder });
  }
  const lines = said.split("\n").filter((line) => /^(?:fatal|error|ERROR|remote):/.test(line));
  const reason = printable((lines.at(-1) ?? reasonOf(error, program)).slice(0, 300), 300);
  return new DepsError("GIT_FAILED", `cannot ${step}: ${reason}`, { url, reason, output }); // the cause may quote secrets
}

function reasonOf({ details }: ToolError, program: string): string {
  if ("reason" in details) return `${program} cannot be run: ${details.reason}`;
  if ("exitCode" in details) return `git ended with exit code ${details.exitCode}`;
  if ("signal" in details) return `git was ended by ${details.signal}`;
  return "git said nothing for too long";
}

/** The expressions below take time with the square of a text, and a server may say much, in characters. */
const maxReadLength = 8192;

/** The end of a long text, from its first whole word: half of an address would be no address. */
function endOf(output: string): string {
  return output.length <= maxReadLength ? output : output.slice(-maxReadLength).replace(/^\S*/, "");
}

/** Drops progress, of which only the last line counts, and whatever may be the user, password or token of an address. */
function withoutSecrets(output: string): string {
  return endOf(output)
    .replace(/[^\n]*\r(?!\n)/g, "")
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s'"]*@/gi, "$1***@")
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s'"?]*)\?[^\s'"]*/gi, "$1?***")
    .trim();
}
