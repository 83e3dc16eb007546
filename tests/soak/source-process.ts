import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SourceCommand, SourceCount, SourceMessage } from "./source.ts";

/** What a source is to hold. */
export interface SourceOptions {
  readonly bytes: number;
  readonly seed: number;
  /** How fast it sends on one connection. */
  readonly bytesPerSecond: number;
}

/** The source's process, seen from here. */
export class SourceProcess implements AsyncDisposable {
  /** What `--source` is given. */
  readonly place: string;
  readonly #child: ChildProcess;
  #watches = 0;

  private constructor(child: ChildProcess, host: string) {
    this.place = `${host}/fe`;
    this.#child = child;
  }

  static async start({ bytes, seed, bytesPerSecond }: SourceOptions): Promise<SourceProcess> {
    const path = fileURLToPath(new URL("source.ts", import.meta.url));
    const child = fork(path, [String(bytes), String(seed), String(bytesPerSecond)]);
    child.setMaxListeners(0); // a watch that nobody waits for any more stays until the end
    const { host } = await heard(child, "ready", () => true);
    return new SourceProcess(child, host);
  }

  /** What has been sent so far, bodies only. */
  async count(): Promise<SourceCount> {
    const heardCount = heard(this.#child, "count", () => true);
    this.#send({ type: "count" });
    return await heardCount;
  }

  /** Resolves when so much has been sent since the start. One watch at a time: the next one takes its place. */
  async reached(what: keyof SourceCount, amount: number): Promise<void> {
    this.#watches += 1;
    const id = this.#watches;
    const heardReached = heard(this.#child, "reached", (message) => message.id === id);
    this.#send({ type: "watch", id, what, amount });
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

function heard<Type extends SourceMessage["type"]>(
  child: ChildProcess,
  type: Type,
  isMeant: (message: Heard<Type>) => boolean,
): Promise<Heard<Type>> {
  return new Promise((resolve) => {
    const onMessage = (message: SourceMessage) => {
      if (message.type !== type || !isMeant(message as Heard<Type>)) return;
      child.off("message", onMessage);
      resolve(message as Heard<Type>);
    };
    child.on("message", onMessage);
  });
}
