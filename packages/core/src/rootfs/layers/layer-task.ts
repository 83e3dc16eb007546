import { extname } from "node:path";

/** What a task that runs in a layer thread can do besides its work. */
export interface TaskContext<Message> {
  /**
   * Tells `message` to the one who runs the task, in order. Settles at once while few are on their way, else when the
   * other side has handled some: wait for it, and nobody is run over. `transfer` names buffers that are given away.
   */
  post(message: Message, transfer?: readonly ArrayBuffer[]): Promise<void>;
}

/**
 * What a task module exports as `runTask`. It runs in a thread of its own, alone there; input, messages and result are
 * structured clones. It may throw a `LayerFault` or a `RootfsError`, which arrive as `RootfsError`, or anything else, which
 * keeps its name, message and system code. When its signal aborts, the thread is stopped wherever it is: what there is to
 * clean up is the caller's.
 */
export type LayerTask<Input, Message, Result> = (input: Input, context: TaskContext<Message>) => Promise<Result>;

/**
 * Where the task module `name` is: beside the one with this `import.meta.url`, and with the same ending, which is another
 * one in what is published.
 */
export function taskModule(name: string, importMetaUrl: string): URL {
  return new URL(`./${name}${extname(importMetaUrl)}`, importMetaUrl);
}

/** What a layer thread is told. */
export type ToThread =
  | { readonly type: "run"; readonly module: string; readonly input: unknown }
  /** One more message was handled. */
  | { readonly type: "handled" };

/** What a layer thread tells. */
export type FromThread =
  | { readonly type: "message"; readonly message: unknown }
  | { readonly type: "done"; readonly result: unknown }
  | { readonly type: "failed"; readonly failure: ThreadFailure };

/** An error on its way between threads. */
export interface ThreadFailure {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: unknown;
  readonly details: unknown;
}
