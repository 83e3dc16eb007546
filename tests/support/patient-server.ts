import { MemoryRegistry } from "@tranship/registry";
import { startServer } from "@tranship/registry/server";

/** After so long without a new request, nobody is going to ask for more before there is an answer. */
const quietMs = 20;

/**
 * A registry that answers nobody before everybody has asked: how many requests come together is what its clients dare to
 * have under way, however slow the machine is.
 */
export class PatientServer implements AsyncDisposable {
  readonly registry: MemoryRegistry;
  readonly host: string;
  readonly #close: () => Promise<void>;
  readonly #crowd: Crowd;

  private constructor(registry: MemoryRegistry, host: string, close: () => Promise<void>, crowd: Crowd) {
    this.registry = registry;
    this.host = host;
    this.#close = close;
    this.#crowd = crowd;
  }

  /** Starts on a free port. */
  static async start(): Promise<PatientServer> {
    const registry = new MemoryRegistry();
    const crowd = new Crowd();
    const server = await startServer(registry, { onRequest: () => ({ before: () => crowd.join() }) });
    return new PatientServer(registry, server.host, () => server.close(), crowd);
  }

  /** For each request so far, how many were answered together with it, itself counted. */
  together(): readonly number[] {
    return this.#crowd.sizes.flatMap((size) => Array.from({ length: size }, () => size));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

/** Those who wait together. */
class Crowd {
  readonly sizes: number[] = [];
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  join(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#release(), quietMs);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    const all = this.#waiting;
    this.#waiting = [];
    this.sizes.push(all.length);
    for (const resolve of all) resolve();
  }
}
