import type { EndedRun } from "./start-tranship.ts";
import { startTranship } from "./start-tranship.ts";

/** `tranship serve` as a process of its own. It is stopped when disposed. */
export interface ServeProcess extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly url: string;
  readonly pid: number;
  /** Tells it to stop, and gives what it said. */
  stop(): Promise<EndedRun>;
}

/** Serves places on a free port of this machine, and resolves when it listens. */
export async function startServe(...args: readonly string[]): Promise<ServeProcess> {
  const listening = Promise.withResolvers<string>();
  let said = "";
  const { child, ended } = startTranship(["serve", "--listen", "127.0.0.1:0", ...args], {
    onStdout(text) {
      said += text;
      const [url] = /http:\/\/[0-9.]+:[0-9]+/.exec(said) ?? [];
      if (url !== undefined) listening.resolve(url);
    },
  });
  const failed = ended.then(({ stderr }) => Promise.reject(new Error(`it does not serve: ${stderr}`)));
  failed.catch(() => {}); // of no interest once it listens
  const url = await Promise.race([listening.promise, failed]);
  const stop = async () => {
    child.kill("SIGTERM");
    return await ended;
  };
  return {
    url,
    host: new URL(url).host,
    pid: child.pid ?? 0,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
