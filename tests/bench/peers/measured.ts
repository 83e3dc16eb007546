import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What one run of a script came to, its programs together. */
export interface Measured {
  readonly wallS: number;
  readonly cpuS: number;
  /** Of the largest of its programs. */
  readonly peakRssBytes: number;
  /** Received over loopback meanwhile, by anybody: servers and their answers to us. */
  readonly receivedBytes: number;
  /** Given to the file system that is not memory. */
  readonly writtenBytes: number;
}

/** Runs a script of the shell to its end, and gives what the kernel counted for it and its children. @throws Error when it fails */
export async function measured(script: string, env: NodeJS.ProcessEnv = {}): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "tranship-measured-"));
  const [times, io] = [join(folder, "times"), join(folder, "io")];
  try {
    const before = receivedOnLoopback();
    // the counters of a shell hold those of all children it has waited for
    const whole = `set -e\n${script}\ncat /proc/$$/io > ${io}`;
    await run("/usr/bin/time", ["-o", times, "-f", "%e %U %S %M", "bash", "-c", whole], {
      env: { ...process.env, ...env },
      maxBuffer: 64 * 1024 * 1024,
    });
    const receivedBytes = receivedOnLoopback() - before;
    const [wall = 0, user = 0, system = 0, rssKib = 0] = readFileSync(times, "utf8").trim().split(" ").map(Number);
    const written = /^write_bytes: (\d+)$/m.exec(readFileSync(io, "utf8"))?.[1];
    return {
      wallS: wall,
      cpuS: user + system,
      peakRssBytes: rssKib * 1024,
      receivedBytes,
      writtenBytes: Number(written),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function receivedOnLoopback(): number {
  return Number(/^\s*lo:\s*(\d+)/m.exec(readFileSync("/proc/net/dev", "utf8"))?.[1]);
}
