import { serveCache } from "@tranship/core/deps";
import type { CliContext } from "../context.ts";
import type { DepsFlags } from "../flags/deps-flags.ts";
import { serverAccess } from "../flags/server-flags.ts";
import { parseListenAddress } from "../listen-address.ts";
import { count } from "../print/size.ts";
import { runServer } from "../run-server.ts";
import { cacheFolder, storeOf } from "./cache-settings.ts";

/** Serves a cache for reading, until the program is told to stop. */
export async function serve(flags: DepsFlags, context: CliContext): Promise<void> {
  const { output } = context;
  const address = parseListenAddress(flags.listen);
  const folder = cacheFolder(flags, context);
  const requests = await runServer(
    {
      address,
      access: await serverAccess(flags, context.input),
      isWritable: false,
      isVerbose: false,
      start: (options) => serveCache(folder, { ...options, store: storeOf(folder, flags) }),
      announce({ url }) {
        const told = { type: "server.listening", url, place: folder, writable: false } as const;
        output.announce(told, `serving ${folder} on ${url}, files and images, read-only; Ctrl+C stops it`);
      },
    },
    context,
  );
  output.report("deps serve", { cache: folder, requests }, `stopped after ${count(requests, "request")}`);
}
