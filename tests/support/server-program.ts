import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Somebody else's registry, running with an empty folder of its own. */
export interface ServerProgram extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Where it keeps its content; not made yet. */
  readonly directory: string;
  readonly pid: number;
}

/** What a program has to be told of its place. */
export interface ServerPlace {
  readonly port: number;
  /** For its configuration; removed with the rest. */
  readonly folder: string;
  /** For its content. */
  readonly directory: string;
}

/**
 * Starts a registry on a free port and waits until it answers. It is killed, and its folder removed, when disposed.
 * `isUp` looks at what it answers to plain HTTP: a status of success, unless told.
 */
export async function startServerProgram(
  program: string,
  argumentsFor: (place: ServerPlace) => readonly string[] | Promise<readonly string[]>,
  isUp: (response: Response) => boolean = ({ ok }) => ok,
): Promise<ServerProgram> {
  const name = basename(program);
  const folder = await mkdtemp(join(tmpdir(), `tranship-${name}-`));
  const directory = join(folder, "data");
  let child: ChildProcess | undefined;
  const dispose = async () => {
    if (child) await stop(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const port = await freePort();
    const args = await argumentsFor({ port, folder, directory });
    child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    const complaints = collect(child);
    await once(child, "spawn");
    const host = `127.0.0.1:${port}`;
    await answering(host, child, isUp, () => `${name} did not come up: ${complaints().trim() || "no message"}`);
    return { host, directory, pid: child.pid ?? 0, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function answering(
  host: string,
  child: ChildProcess,
  isUp: (response: Response) => boolean,
  complaint: () => string,
): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    if (hasEnded(child)) break;
    try {
      const response = await fetch(`http://${host}/v2/`);
      await response.body?.cancel();
      if (isUp(response)) return;
    } catch {
      // not yet
    }
    await sleep(20);
  }
  throw new Error(complaint());
}

function collect(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.on("data", (chunk) => {
    text = `${text}${chunk}`.slice(-4096);
  });
  return () => text;
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL"); // its store goes with it: nothing to save
  await ended;
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
