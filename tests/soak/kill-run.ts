import { type ChildProcess, fork, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../support/random.ts";
import { transhipMain } from "../support/run-tranship.ts";
import type { SourceCommand, SourceMessage } from "./source.ts";

/** What to do in one run; the same options kill at the same bytes. */
export interface KillRunOptions {
  /** What the source holds, about. */
  readonly bytes: number;
  readonly kills: number;
  readonly seed: number;
  /** How fast the source sends on one connection: slow enough that a kill hits a transfer. */
  readonly bytesPerSecond: number;
  readonly log?: (line: string) => void;
}

/** What a run came to; sizes in bytes. */
export interface KillReport {
  readonly kills: number;
  /** What an undisturbed pull made the source send. */
  readonly undisturbedBytes: number;
  /** What the killed and repeated pull made it send, all together. */
  readonly disturbedBytes: number;
  /** Files that differ from the undisturbed pull's, or are missing, or too many. */
  readonly differing: readonly string[];
  readonly archives: number;
}

/** Connections of a pull: each may lose what was under way when it is killed. */
export const connections = 8;

/**
 * Pulls once undisturbed, then once more with `kills` SIGKILLs at random moments, each followed by a re-run at once,
 * from the same source. Most kills come at a random byte of the transfer, some a random time after the start.
 */
export async function killRun({ bytes, kills, seed, bytesPerSecond, log }: KillRunOptions): Promise<KillReport> {
  const random = seededRandom(seed);
  await using source = await Source.start(bytes, seed, bytesPerSecond);
  const folder = mkdtempSync(join(tmpdir(), "tranship-kill-"));
  try {
    const calm = join(folder, "calm");
    await finish(startPull(calm, source));
    const undisturbedBytes = await source.count();
    log?.(`undisturbed pull: ${undisturbedBytes} bytes sent`);
    const shaken = join(folder, "shaken");
    const moments = Array.from({ length: kills }, () => random() * 0.95 * undisturbedBytes).sort((a, b) => a - b);
    for (const [index, moment] of moments.entries()) {
      const pull = startPull(shaken, source);
      const isEarly = random() < 0.25;
      await (isEarly ? delay(random() * 600) : source.reached(undisturbedBytes + Math.round(moment)));
      await kill(pull);
      const sent = (await source.count()) - undisturbedBytes;
      log?.(`kill ${index + 1} of ${kills}${isEarly ? " (soon after the start)" : ""}: ${sent} bytes sent so far`);
    }
    await finish(startPull(shaken, source));
    const disturbedBytes = (await source.count()) - undisturbedBytes;
    const differing = await differences(calm, shaken);
    return { kills, undisturbedBytes, disturbedBytes, differing, archives: archivesIn(calm).length };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The most that the disturbed pull may make the source send, in bytes. */
export function allowedBytes({ undisturbedBytes, kills }: KillReport): number {
  return undisturbedBytes * 1.01 + kills * connections * 1024 * 1024;
}

/** The source's process, seen from here. */
class Source implements AsyncDisposable {
  readonly place: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, host: string) {
    this.#child = child;
    this.place = `${host}/fe`;
  }

  static async start(bytes: number, seed: number, bytesPerSecond: number): Promise<Source> {
    const path = fileURLToPath(new URL("source.ts", import.meta.url));
    const child = fork(path, [String(bytes), String(seed), String(bytesPerSecond)]);
    const message = await heard(child, "ready");
    return new Source(child, message.host);
  }

  /** Body bytes sent so far. */
  async count(): Promise<number> {
    const heardCount = heard(this.#child, "count");
    this.#send({ type: "count" });
    return (await heardCount).bytes;
  }

  /** Resolves when so many body bytes have been sent. */
  async reached(bytes: number): Promise<void> {
    const heardReached = heard(this.#child, "reached");
    this.#send({ type: "watch", bytes });
    await heardReached;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#send({ type: "stop" });
    await exited;
  }

  #send(command: SourceCommand): void {
    this.#child.send(command);
  }
}

type Heard<Type extends SourceMessage["type"]> = Extract<SourceMessage, { readonly type: Type }>;

function heard<Type extends SourceMessage["type"]>(child: ChildProcess, type: Type): Promise<Heard<Type>> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error("the source ended"));
    const onMessage = (message: SourceMessage) => {
      if (message.type !== type) return;
      child.off("message", onMessage);
      child.off("exit", onExit);
      resolve(message as Heard<Type>);
    };
    child.on("message", onMessage);
    child.once("exit", onExit);
  });
}

function startPull(folder: string, { place }: Source): ChildProcess {
  return spawn(process.execPath, [transhipMain, "pull", folder, "--source", place], {
    stdio: ["ignore", "ignore", "pipe"],
  });
}

async function finish(pull: ChildProcess): Promise<void> {
  let stderr = "";
  pull.stderr?.on("data", (chunk) => {
    stderr = (stderr + chunk).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve) => pull.once("close", resolve));
  if (code !== 0) throw new Error(`the pull ended with ${code}: ${stderr}`);
}

/** Ends a pull without warning. @throws Error when it has ended by itself: the source is too fast for this test */
async function kill(pull: ChildProcess): Promise<void> {
  pull.stderr?.resume();
  const exited = new Promise<NodeJS.Signals | null>((resolve) => {
    pull.once("exit", (_code, signal) => resolve(signal));
  });
  if (pull.exitCode !== null || !pull.kill("SIGKILL") || (await exited) !== "SIGKILL") {
    throw new Error(`the pull ended before it was killed, with ${pull.exitCode}`);
  }
}

function archivesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => !name.startsWith("."));
}

async function differences(calm: string, shaken: string): Promise<readonly string[]> {
  const names = [...new Set([...archivesIn(calm), ...archivesIn(shaken)])].sort();
  const differing: string[] = [];
  for (const name of names) {
    if ((await sha256(join(calm, name))) !== (await sha256(join(shaken, name)))) differing.push(name);
  }
  return differing;
}

async function sha256(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}
