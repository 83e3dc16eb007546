import { MemoryRegistry } from "../memory/memory-registry.ts";
import type { ServedRequest } from "../server/served-request.ts";
import type { ServerOptions } from "../server/server-options.ts";
import { type RegistryServer, startServer } from "../server/start-server.ts";
import type { Fault } from "./fault.ts";
import { type FailOptions, FaultQueue, type RequestMatch } from "./fault-queue.ts";

import { type Seedable, seedMemory } from "./seed.ts";

/** Options of {@link startTestRegistry}: what a server can be told, `auth` and `tls` among it, and what it serves. */
export interface TestRegistryOptions extends Omit<ServerOptions, "onRequest"> {
  /** What is served. @defaultValue an empty registry of its own */
  readonly registry?: MemoryRegistry | undefined;
  /**
   * Whether a mount that names no source takes the blob from any repository. @defaultValue false: most registries do
   * not, and a test of uploads means to see them
   */
  readonly anonymousMount?: boolean | undefined;
}

/** A registry in memory behind a real HTTP server on a free port, with a log of requests and faults on demand. */
export class TestRegistry implements AsyncDisposable {
  /** What is behind the server. */
  readonly registry: MemoryRegistry;
  readonly #server: RegistryServer;
  readonly #faults: FaultQueue;
  readonly #log: ServedRequest[];

  /** Use {@link startTestRegistry}. */
  constructor(registry: MemoryRegistry, server: RegistryServer, faults: FaultQueue, log: ServedRequest[]) {
    this.registry = registry;
    this.#server = server;
    this.#faults = faults;
    this.#log = log;
  }

  /** Address and port, such as `127.0.0.1:40123`. */
  get host(): string {
    return this.#server.host;
  }

  /** `http://`, or `https://` with certificates, and {@link host}. */
  get url(): string {
    return this.#server.url;
  }

  /** Fills a repository; it is there when this returns. */
  seed(path: string, ...things: readonly Seedable[]): void {
    seedMemory(this.registry, path, things);
  }

  /** The requests so far, in the order they arrived. */
  requests(): readonly ServedRequest[] {
    return this.#log.map((request) => ({ ...request }));
  }

  /** Bytes of all answers' bodies so far. */
  bytesSent(): number {
    return this.#log.reduce((total, request) => total + request.bytesSent, 0);
  }

  /** Makes the next request go wrong that `match` accepts; by default the next for a blob or manifest. */
  failOnce(fault: Fault, match?: RequestMatch): void {
    this.fail(fault, { times: 1, match });
  }

  /** Makes requests go wrong. Of several faults for one request, the one injected first happens. */
  fail(fault: Fault, options?: FailOptions): void {
    this.#faults.add(fault, options);
  }

  /** Forgets the log and the faults; the content stays. */
  reset(): void {
    this.#log.length = 0;
    this.#faults.clear();
  }

  /** Stops the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }
}

/** Starts a registry for one test. Hold it with `await using`. */
export async function startTestRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const { registry = new MemoryRegistry(), anonymousMount = false, ...serverOptions } = options;
  const faults = new FaultQueue();
  const log: ServedRequest[] = [];
  const onRequest = (request: ServedRequest) => {
    log.push(request);
    return faults.take(request);
  };
  const server = await startServer(registry, { ...serverOptions, anonymousMount, onRequest });
  return new TestRegistry(registry, server, faults, log);
}
