import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What one run of a script came to, its programs together. */
export interface Measured {
  readonly wallS: number;
  /** Of the script's programs, not of the servers they talk to. */
  readonly cpuS: number;
  /** Of the largest of its programs. */
  readonly peakRssBytes: number;
  /** Sent over loopback meanwhile, by anybody and in both directions: the machine had better do nothing else. */
  readonly networkBytes: number;
  /** Given to the file system that is not memory. */
  readonly writtenBytes: number;
}

/** Runs a script of the shell to its end, and gives what the kernel counted for it and its children. @throws Error when it fails */
export async function measured(script: string): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "tranship-measured-"));
  const inFolder = (name: string) => join(folder, name);
  const [file, usage, clock, io] = [inFolder("script"), inFolder("usage"), inFolder("clock"), inFolder("io")];
  try {
    // the counters of a shell hold those of all children it has waited for
    // what one machine has to say of certificates is nobody's affair, least of all over plain HTTP
    const lines = [
      "set -e",
      "unset SSL_CERT_FILE SSL_CERT_DIR",
      "began=$EPOCHREALTIME",
      script,
      `echo $began $EPOCHREALTIME > ${clock}`,
    ];
    writeFileSync(file, `${[...lines, `cat /proc/$$/io > ${io}`].join("\n")}\n`);
    const before = onLoopback();
    await run("/usr/bin/time", ["-o", usage, "-f", "%U %S %M", "bash", file], { maxBuffer: 64 * 1024 * 1024 });
    const networkBytes = onLoopback() - before;
    const [user = 0, system = 0, rssKib = 0] = numbersIn(usage);
    const [began = 0, ended = 0] = numbersIn(clock);
    return {
      wallS: rounded(ended - began),
      cpuS: rounded(user + system),
      peakRssBytes: rssKib * 1024,
      networkBytes,
      writtenBytes: Number(/^write_bytes: (\d+)$/m.exec(readFileSync(io, "utf8"))?.[1]),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function numbersIn(file: string): readonly number[] {
  return readFileSync(file, "utf8").trim().split(" ").map(Number);
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

function onLoopback(): number {
  return Number(/^\s*lo:\s*(\d+)/m.exec(readFileSync("/proc/net/dev", "utf8"))?.[1]);
}
