import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A running `docker-registry` with an empty store of its own. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Where it keeps its content. */
  readonly directory: string;
  readonly pid: number;
}

/**
 * Starts Debian's `docker-registry` on a free port. It is stopped, and its folder removed, when disposed.
 * It speaks distribution 2.8: uploads, mounts and deletes, but no referrers API.
 */
export async function startDockerRegistry(): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "tranship-docker-registry-"));
  const directory = join(folder, "data");
  let child: ChildProcess | undefined;
  const dispose = async () => {
    if (child) await stop(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const port = await freePort();
    const config = join(folder, "config.yml");
    await writeFile(config, JSON.stringify(configuration(directory, port))); // JSON is YAML too
    child = spawn("docker-registry", ["serve", config], { stdio: ["ignore", "ignore", "pipe"] });
    const complaints = collect(child);
    await once(child, "spawn");
    const host = `127.0.0.1:${port}`;
    await answering(host, child, complaints);
    return { host, directory, pid: child.pid ?? 0, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function configuration(directory: string, port: number): object {
  return {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: directory, maxthreads: 100 },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: `127.0.0.1:${port}` },
  };
}

async function answering(host: string, child: ChildProcess, complaints: () => string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    if (hasEnded(child)) break;
    try {
      const response = await fetch(`http://${host}/v2/`);
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // not yet
    }
    await sleep(20);
  }
  throw new Error(`docker-registry did not come up: ${complaints().trim() || "no message"}`);
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
