import type { TaskContext } from "../../packages/core/src/rootfs/layers/layer-task.ts";

/** What {@link runTask} is to do. */
export type TestTask =
  | { readonly does: "answer"; readonly answer: string }
  | { readonly does: "spin" | "wait" | "exit" | "throw" }
  /** `sent` counts the messages that were posted. */
  | { readonly does: "flood"; readonly messages: number; readonly sent: SharedArrayBuffer };

/** A task for a layer thread that behaves as it is told. */
export async function runTask(task: TestTask, { post }: TaskContext<string>): Promise<string> {
  await post("started");
  if (task.does === "answer") return task.answer;
  if (task.does === "exit") process.exit(7);
  if (task.does === "throw") throw Object.assign(new TypeError("no such thing"), { code: "ENOENT" });
  if (task.does === "flood") {
    for (let at = 0; at < task.messages; at += 1) {
      Atomics.add(new Int32Array(task.sent), 0, 1);
      await post(`${at}`);
    }
    return "flooded";
  }
  while (task.does === "spin"); // not even a turn of the event loop
  return await new Promise<never>(() => setInterval(() => {}, 1000));
}
