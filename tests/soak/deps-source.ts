import { type DepsCount, DepsWorld, type DepsWorldOptions } from "./deps-world.ts";

// What a cache is filled from, as a process of its own, started with an IPC channel: it outlives the downloads that are
// killed, and counts what it sends to them. One argument: its options, JSON.

/** What the source is asked over the channel; each is answered by one message. */
export type DepsSourceCommand =
  | { readonly type: "publish"; readonly generation: number }
  | { readonly type: "withhold"; readonly isWithheld: boolean; readonly generation: number }
  | { readonly type: "count" }
  /** Is answered once so many bytes were sent since the publication. */
  | { readonly type: "wait"; readonly bytes: number }
  | { readonly type: "stop" };

/** What the source says over the channel. */
export interface DepsSourceMessage {
  readonly baseUrl: string;
  readonly count: DepsCount;
}

await using world = await DepsWorld.start(JSON.parse(process.argv[2] ?? "") as DepsWorldOptions);
const say = () => process.send?.({ baseUrl: world.baseUrl, count: world.count() } satisfies DepsSourceMessage);
const stopped = new Promise<void>((resolve) => {
  let waiting: NodeJS.Timeout | undefined;
  process.on("disconnect", () => {
    clearInterval(waiting); // whoever asked is gone
    resolve();
  });
  process.on("message", (command: DepsSourceCommand) => {
    clearInterval(waiting);
    if (command.type === "stop") return resolve();
    if (command.type === "publish") world.publish(command.generation);
    if (command.type === "withhold") world.withhold(command.isWithheld, command.generation);
    if (command.type !== "wait") return say();
    const { bytes } = command;
    waiting = setInterval(() => {
      if (world.count().bytes < bytes) return;
      clearInterval(waiting);
      say();
    }, 5);
  });
});
say();
await stopped;
if (process.connected) process.disconnect();
