import { parentPort } from "node:worker_threads";
import { hashFile } from "./hash-file.ts";
import type { HashAnswer, HashOrder } from "./hash-thread.ts";

if (parentPort) {
  const port = parentPort;
  let isStopped = false;
  const work = async (order: Extract<HashOrder, { readonly type: "hash" }>): Promise<HashAnswer> => {
    try {
      const hashed = await hashFile(order.path, order.algorithm, () => isStopped);
      return hashed ? { type: "hashed", hashed } : { type: "stopped" };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return { type: "failed", code, message };
    }
  };
  port.on("message", (order: HashOrder) => {
    isStopped = order.type === "stop";
    if (order.type === "hash") void work(order).then((answer) => port.postMessage(answer));
  });
}
