import type { IncomingMessage } from "node:http";
import type { Exchange } from "../server/exchange.ts";
import type { ServedRequest } from "../server/served-request.ts";

/** A request as a file server saw it. */
export interface FileRequest extends ServedRequest {
  /** By lower-case name, without those that carry credentials. */
  readonly headers: Readonly<Record<string, string>>;
}

const secretHeaders: ReadonlySet<string> = new Set(["authorization", "proxy-authorization", "cookie"]);

/** A request came, or its answer was out or broken off. */
interface Move {
  readonly path: string;
  readonly change: 1 | -1;
}

interface Hold {
  readonly count: number;
  readonly prefix: string;
  readonly isOpen: Promise<void>;
  readonly open: () => void;
}

/** What comes to a file server: the log, how much of it at once, and who has to wait for others. */
export class FileTraffic {
  readonly #log: { readonly record: ServedRequest; readonly headers: Readonly<Record<string, string>> }[] = [];
  /** Paths of the requests that are not over. */
  readonly #open = new Map<Exchange, string>();
  #moves: Move[] = [];
  #hold: Hold | undefined;

  /** Notes a request, and its end when that comes. */
  enter(exchange: Exchange, { headers }: IncomingMessage): void {
    const { record } = exchange;
    const shown = Object.entries(headers).filter(([name]) => !secretHeaders.has(name));
    this.#log.push({ record, headers: Object.fromEntries(shown.map(([name, value]) => [name, String(value)])) });
    this.#open.set(exchange, record.path);
    this.#moves.push({ path: record.path, change: 1 });
    void exchange.over.then(() => this.#leave(exchange));
    this.#letGo();
  }

  requests(): readonly FileRequest[] {
    return this.#log.map(({ record, headers }) => ({ ...record, headers }));
  }

  mostOpen(prefix: string): number {
    let open = 0;
    let most = 0;
    for (const { path, change } of this.#moves) {
      if (!path.startsWith(prefix)) continue;
      open += change;
      most = Math.max(most, open);
    }
    return most;
  }

  holdUntil(count: number, prefix: string): void {
    this.#hold?.open();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#hold = { count, prefix, isOpen: promise, open: resolve };
    this.#letGo();
  }

  /** Waits until who asks may be answered. */
  async admit({ record: { path } }: Exchange): Promise<void> {
    if (this.#hold && path.startsWith(this.#hold.prefix)) await this.#hold.isOpen;
  }

  /** Forgets what is over, and lets everyone go. */
  reset(): void {
    this.#log.length = 0;
    this.#moves = Array.from(this.#open.values(), (path) => ({ path, change: 1 }));
    this.#hold?.open();
    this.#hold = undefined;
  }

  #leave(exchange: Exchange): void {
    const path = this.#open.get(exchange);
    this.#open.delete(exchange);
    if (path !== undefined) this.#moves.push({ path, change: -1 });
  }

  #letGo(): void {
    const hold = this.#hold;
    if (!hold) return;
    const waiting = [...this.#open.values()].filter((path) => path.startsWith(hold.prefix)).length;
    if (waiting < hold.count) return;
    this.#hold = undefined;
    hold.open();
  }
}
