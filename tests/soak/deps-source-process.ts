import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { DepsSourceCommand, DepsSourceMessage } from "./deps-source.ts";
import type { DepsCount, DepsWorldOptions } from "./deps-world.ts";

/** The process of a source, seen from here. One question at a time. */
export class DepsSourceProcess implements AsyncDisposable {
  /** Where manifests are published. */
  readonly baseUrl: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, baseUrl: string) {
    this.#child = child;
    this.baseUrl = baseUrl;
  }

  static async start(options: DepsWorldOptions): Promise<DepsSourceProcess> {
    const path = fileURLToPath(new URL("deps-source.ts", import.meta.url));
    const child = fork(path, [JSON.stringify(options)]);
    const { baseUrl } = await answer(child);
    return new DepsSourceProcess(child, baseUrl);
  }

  async publish(generation: number): Promise<void> {
    await this.#ask({ type: "publish", generation });
  }

  /** Takes one file away, or puts it back. */
  async withhold(isWithheld: boolean, generation: number): Promise<void> {
    await this.#ask({ type: "withhold", isWithheld, generation });
  }

  async count(): Promise<DepsCount> {
    return (await this.#ask({ type: "count" })).count;
  }

  /** Resolves when so many bytes were sent since the publication, or with the next question. */
  async reached(bytes: number): Promise<void> {
    await this.#ask({ type: "wait", bytes });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.send({ type: "stop" } satisfies DepsSourceCommand);
    await exited;
  }

  async #ask(command: DepsSourceCommand): Promise<DepsSourceMessage> {
    const answered = answer(this.#child);
    this.#child.send(command);
    return await answered;
  }
}

async function answer(child: ChildProcess): Promise<DepsSourceMessage> {
  const [message] = (await once(child, "message")) as [DepsSourceMessage];
  return message;
}
