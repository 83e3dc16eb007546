import { parentPort } from "node:worker_threads";
import type { FromThread, LayerTask, TaskContext, ThreadFailure, ToThread } from "./layer-task.ts";

/** Messages on their way before a task waits. */
const maxUnhandled = 4;

if (parentPort) {
  const port = parentPort;
  let unhandled = 0;
  const waiting: (() => void)[] = [];
  const tell = (message: FromThread, transfer: readonly ArrayBuffer[] = []) => port.postMessage(message, [...transfer]);
  const context: TaskContext<unknown> = {
    async post(message, transfer) {
      tell({ type: "message", message }, transfer);
      unhandled += 1;
      if (unhandled < maxUnhandled) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      await promise;
    },
  };
  port.on("message", (message: ToThread) => {
    if (message.type === "handled") {
      unhandled -= 1;
      waiting.shift()?.();
      return;
    }
    run(message.module, message.input, context).then(
      (result) => tell({ type: "done", result }),
      (error: unknown) => tell({ type: "failed", failure: failureOf(error) }),
    );
  });
}

async function run(module: string, input: unknown, context: TaskContext<unknown>): Promise<unknown> {
  const { runTask } = (await import(module)) as { readonly runTask: LayerTask<unknown, unknown, unknown> };
  return await runTask(input, context);
}

function failureOf(error: unknown): ThreadFailure {
  const { name, message, stack, code, details } = (
    error instanceof Error ? error : new Error(String(error))
  ) as Error & {
    readonly code?: unknown;
    readonly details?: unknown;
  };
  return { name, message, stack, code, details };
}
