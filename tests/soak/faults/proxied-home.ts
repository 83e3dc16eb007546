import { createRegistry, MemoryRegistry, type Registry, type RegistryReader } from "@tranship/registry";
import { type RegistryServer, type ServerOptions, startServer } from "@tranship/registry/server";
import { FaultProxy } from "./fault-proxy.ts";

/** How patient a client is. */
export interface ClientPatience {
  readonly idleTimeoutMs: number;
  readonly attempts: number;
  /** Blobs are sent in pieces of so many bytes. */
  readonly uploadChunkBytes?: number | undefined;
}

/** Undisturbed, on a machine that may be busy. */
export const calmPatience: ClientPatience = { idleTimeoutMs: 30_000, attempts: 5 };

/** Options of {@link ProxiedHome.ours}. */
export interface OursOptions {
  /** Wanted as bearer tokens, from the server's own token server behind the same proxy. */
  readonly isGuarded: boolean;
  readonly server: Pick<ServerOptions, "maxPageSize" | "referrersApi" | "wholeIndexes">;
}

const credentials = { username: "soak", password: "a secret of soaks" };

/** A registry behind a proxy, and a way around it for who judges. */
export class ProxiedHome implements AsyncDisposable {
  readonly proxy: FaultProxy;
  /** Where it is without the proxy: `127.0.0.1:PORT`. */
  readonly directHost: string;
  /** Before every repository: empty, or with a slash at its end. */
  readonly prefix: string;
  readonly #isGuarded: boolean;
  readonly #servers: readonly RegistryServer[];

  private constructor(
    proxy: FaultProxy,
    directHost: string,
    prefix: string,
    isGuarded: boolean,
    servers: readonly RegistryServer[],
  ) {
    this.proxy = proxy;
    this.directHost = directHost;
    this.prefix = prefix;
    this.#isGuarded = isGuarded;
    this.#servers = servers;
  }

  /** Our own server over `content`. */
  static async ours(content: RegistryReader, { isGuarded, server }: OursOptions): Promise<ProxiedHome> {
    const proxy = await FaultProxy.start();
    const auth = isGuarded ? ({ scheme: "bearer", credentials } as const) : undefined;
    const served = await startServer(content, { ...server, auth, publicUrl: `http://${proxy.host}` });
    const direct = await startServer(content, server);
    proxy.leadTo(served.host);
    return new ProxiedHome(proxy, direct.host, "", isGuarded, [served, direct]);
  }

  /** A place in somebody else's registry that runs already. */
  static async place(host: string, path: string): Promise<ProxiedHome> {
    const proxy = await FaultProxy.start();
    proxy.leadTo(host);
    return new ProxiedHome(proxy, host, `${path}/`, false, []);
  }

  /** An empty registry of ours. */
  static async empty(options: OursOptions): Promise<ProxiedHome> {
    return await ProxiedHome.ours(new MemoryRegistry(), options);
  }

  /** What a command is told, such as `127.0.0.1:PORT/path`. */
  get address(): string {
    return `${this.proxy.host}${this.prefix === "" ? "" : `/${this.prefix.slice(0, -1)}`}`;
  }

  /** A client that comes through the proxy. */
  open({ idleTimeoutMs, attempts, uploadChunkBytes }: ClientPatience): Registry & AsyncDisposable {
    const access = this.#isGuarded ? { credentials } : {};
    const patience = { idleTimeoutMs, attempts, retryDelayMs: 1, throttleWaitMs: 2500 };
    return createRegistry(this.address, { ...access, ...patience, uploadChunkBytes });
  }

  /** A client that goes around it. */
  openDirect(): Registry & AsyncDisposable {
    return createRegistry(`${this.directHost}${this.prefix === "" ? "" : `/${this.prefix.slice(0, -1)}`}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    for (const server of this.#servers) await server.close();
  }
}
