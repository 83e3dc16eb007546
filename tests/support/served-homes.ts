import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LayoutRegistry } from "@tranship/core";
import { MemoryRegistry, type Registry } from "@tranship/registry";
import { type RegistryServer, type ServerOptions, startServer } from "@tranship/registry/server";

/** An empty home of content behind a server of ours. Hold it with `await using`: its content goes with it. */
export interface ServedHome extends AsyncDisposable {
  /** What is served. */
  readonly registry: Registry;
  /** Address and port. */
  readonly host: string;
  readonly url: string;
}

/** Makes one of the homes our server can write to. */
export type ServeHome = (options?: ServerOptions) => Promise<ServedHome>;

/** Serves memory. */
export async function serveMemory(options?: ServerOptions): Promise<ServedHome> {
  const registry = new MemoryRegistry();
  return home(registry, await startServer(registry, options));
}

/** Serves a folder of OCI image layouts. */
export async function serveLayouts(options?: ServerOptions): Promise<ServedHome> {
  const folder = await mkdtemp(join(tmpdir(), "tranship-layouts-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const registry = await LayoutRegistry.open(folder);
    return home(registry, await startServer(registry, options), remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

function home(registry: Registry, server: RegistryServer, remove?: () => Promise<void>): ServedHome {
  return {
    registry,
    host: server.host,
    url: server.url,
    async [Symbol.asyncDispose]() {
      await server.close();
      await remove?.();
    },
  };
}
