import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { WorldSize } from "./world.ts";

/** The process of a registry that has a world and takes pushes below `mirror/`, seen from here. */
export class SourceProcess implements AsyncDisposable {
  /** Its host and port. */
  readonly host: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, host: string) {
    this.#child = child;
    this.host = host;
  }

  static async start(size: WorldSize): Promise<SourceProcess> {
    const child = fork(fileURLToPath(new URL("source.ts", import.meta.url)), [JSON.stringify(size)]);
    const [{ port }] = (await once(child, "message")) as [{ readonly port: number }];
    return new SourceProcess(child, `127.0.0.1:${port}`);
  }

  /** How many requests there were since this was last asked, or since the start. */
  requests(): Promise<number> {
    return this.#ask("count");
  }

  /** Lets it forget what was pushed. */
  async forget(): Promise<void> {
    await this.#ask("forget");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }

  async #ask(question: "count" | "forget"): Promise<number> {
    const answered = once(this.#child, "message");
    this.#child.send(question);
    const [{ requests }] = (await answered) as [{ readonly requests: number }];
    return requests;
  }
}
