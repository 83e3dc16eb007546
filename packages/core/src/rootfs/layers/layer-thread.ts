import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { RootfsError, type RootfsErrorCode, type RootfsErrorDetails } from "../errors.ts";
import type { FromThread, ThreadFailure, ToThread } from "./layer-task.ts";

/** Options of a run in a layer thread. */
export interface RunOptions<Message> {
  readonly signal?: AbortSignal | undefined;
  /** Takes what the task tells, one at a time and in order; what it throws ends the task and rejects the call. */
  readonly onMessage?: ((message: Message) => void | Promise<void>) | undefined;
  /** Buffers of the input that are given away. */
  readonly transfer?: readonly ArrayBuffer[] | undefined;
}

/** One thread that runs one task after another. It starts with the first. */
export class LayerThread implements AsyncDisposable {
  #worker: Worker | undefined;

  /** Runs a task to its end. One at a time. What a run that is aborted did has ended when it rejects. */
  async run<Message>(
    module: URL,
    input: unknown,
    { signal, onMessage, transfer = [] }: RunOptions<Message>,
  ): Promise<unknown> {
    signal?.throwIfAborted();
    this.#worker ??= startWorker();
    const worker = this.#worker;
    const done = Promise.withResolvers<unknown>();
    let handled: Promise<void> = Promise.resolve();
    let unhandled = 0;
    let isOver = false;
    const handle = async (message: Message) => {
      if (isOver) return;
      await onMessage?.(message);
      unhandled -= 1;
      const answer: ToThread = { type: "handled" };
      worker.postMessage(answer);
    };
    const hear = (message: FromThread) => {
      if (message.type === "message") {
        unhandled += 1;
        handled = handled.then(() => handle(message.message as Message));
        handled.catch(done.reject);
      } else if (message.type === "done") handled.then(() => done.resolve(message.result), done.reject);
      else done.reject(new TaskFailed(message.failure));
    };
    const onAbort = () => done.reject(signal?.reason);
    const onError = (error: unknown) => done.reject(error);
    const onExit = (code: number) => done.reject(new Error(`a thread that reads layers ended with code ${code}`));
    signal?.addEventListener("abort", onAbort, { once: true });
    worker.on("message", hear).on("error", onError).on("messageerror", onError).on("exit", onExit);
    try {
      const order: ToThread = { type: "run", module: module.href, input };
      worker.postMessage(order, [...transfer]);
      return await done.promise;
    } catch (error) {
      isOver = true;
      const isIdle = error instanceof TaskFailed && unhandled === 0;
      if (!isIdle) await this[Symbol.asyncDispose](); // whatever it does, nobody waits for it
      throw error instanceof TaskFailed ? errorOf(error.failure) : error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      worker.off("message", hear).off("error", onError).off("messageerror", onError).off("exit", onExit);
    }
  }

  /** Ends the thread and what it does. */
  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/** What the task itself threw: it has ended. */
class TaskFailed extends Error {
  readonly failure: ThreadFailure;

  constructor(failure: ThreadFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

function startWorker(): Worker {
  // the build gives this file and its neighbour another ending, and rewrites imports only
  return new Worker(new URL(`./layer-worker${extname(import.meta.url)}`, import.meta.url));
}

function errorOf({ name, message, stack, code, details }: ThreadFailure): Error {
  if (name === "LayerFault" || name === "RootfsError") {
    return new RootfsError(code as RootfsErrorCode, message, details as RootfsErrorDetails[RootfsErrorCode]);
  }
  const error = Object.assign(new Error(message), { name }, code === undefined ? {} : { code });
  if (stack !== undefined) error.stack = stack;
  return error;
}
