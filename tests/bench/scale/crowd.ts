import { Agent, get } from "node:http";

/** What became of many clients that asked at the same time. */
export interface CrowdReport {
  readonly elapsedMs: number;
  readonly bytes: number;
  /** When the first and the last client were done, counted from the start. */
  readonly firstDoneMs: number;
  readonly lastDoneMs: number;
}

/**
 * So many clients, each over one connection of its own, ask one path after another; the first of each client's is another
 * one, unless there is only one path. `whileBusy` is called when every client has had its first answer.
 */
export async function askTogether(
  host: string,
  clients: number,
  pathsOf: (client: number) => readonly string[],
  whileBusy: () => void = () => {},
): Promise<CrowdReport> {
  const startedMs = performance.now();
  let bytes = 0;
  let answered = 0;
  const doneMs = await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      try {
        for (const [at, path] of pathsOf(client).entries()) {
          bytes += await bytesOf(`http://${host}${path}`, agent);
          if (at === 0) answered += 1;
          if (at === 0 && answered === clients) whileBusy();
        }
        return performance.now() - startedMs;
      } finally {
        agent.destroy();
      }
    }),
  );
  const elapsedMs = performance.now() - startedMs;
  return { elapsedMs, bytes, firstDoneMs: Math.min(...doneMs), lastDoneMs: Math.max(...doneMs) };
}

function bytesOf(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      let bytes = 0;
      if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.byteLength;
      });
      response.on("end", () => resolve(bytes));
      response.on("error", reject);
    }).on("error", reject);
  });
}
