import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { transhipMain } from "../../support/run-tranship.ts";

/** What the kernel says of a running process. */
export interface ProcessState {
  readonly cpuMs: number;
  readonly peakBytes: number;
  readonly residentBytes: number;
  /** Files, sockets and pipes it has open. */
  readonly openFiles: number;
}

/** Clock ticks of `/proc/<pid>/stat` in a second: Linux has 100 for all programs. */
const ticksPerSecond = 100;

/** `tranship serve` of a bundle, as a process of its own. */
export class ServedBundle implements AsyncDisposable {
  readonly host: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, host: string) {
    this.#child = child;
    this.host = host;
  }

  static async start(bundle: string): Promise<ServedBundle> {
    const args = [transhipMain, "serve", bundle, "--listen", "127.0.0.1:0", "--json"];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    const [line] = (await Promise.race([
      once(lines, "line"),
      once(child, "exit").then(() => Promise.reject(new Error("tranship serve ended before it listened"))),
    ])) as [string];
    lines.on("line", () => {}); // what it tells further is read, and of no interest
    const { url } = JSON.parse(line) as { readonly url: string };
    return new ServedBundle(child, new URL(url).host);
  }

  state(): ProcessState {
    const of = (name: string) => readFileSync(`/proc/${this.#child.pid}/${name}`, "utf8");
    const field = (name: string) => Number(new RegExp(`^${name}:\\s*([0-9]+)`, "m").exec(of("status"))?.[1]) * 1024;
    const fields = of("stat")
      .replace(/^.*\) /, "")
      .split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    return {
      cpuMs: (ticks * 1000) / ticksPerSecond,
      peakBytes: field("VmHWM"),
      residentBytes: field("VmRSS"),
      openFiles: readdirSync(`/proc/${this.#child.pid}/fd`).length,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exited;
  }
}
