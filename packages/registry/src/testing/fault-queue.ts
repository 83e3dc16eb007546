import type { Interception, ServedRequest } from "../server/served-request.ts";
import type { Fault } from "./faults.ts";

/** Which requests a fault is for: a predicate, or a pattern over `METHOD path`. */
export type RequestMatch = ((request: ServedRequest) => boolean) | RegExp;

/** Options of a test registry's `fail`. */
export interface FailOptions {
  /** How many requests it happens to. @defaultValue all from now on */
  readonly times?: number | undefined;
  /** @defaultValue every request for a blob or manifest */
  readonly match?: RequestMatch | undefined;
}

interface Pending {
  readonly fault: Fault;
  readonly accepts: (request: ServedRequest) => boolean;
  left: number;
}

/** Faults waiting for their requests. The first that accepts a request happens to it, and no other. */
export class FaultQueue {
  #pending: Pending[] = [];

  add(fault: Fault, { times = Number.POSITIVE_INFINITY, match = isContentRequest }: FailOptions = {}): void {
    const matches = match instanceof RegExp ? ({ method, path }: ServedRequest) => test(match, method, path) : match;
    const accepts = (request: ServedRequest) => !(fault.needsBody && request.method === "HEAD") && matches(request);
    this.#pending.push({ fault, accepts, left: times });
  }

  take(request: ServedRequest): Interception | undefined {
    const found = this.#pending.find(({ left, accepts }) => left > 0 && accepts(request));
    if (!found) return undefined;
    found.left -= 1;
    return found.fault.interception();
  }

  clear(): void {
    this.#pending = [];
  }
}

function isContentRequest({ path }: ServedRequest): boolean {
  return path.includes("/blobs/") || path.includes("/manifests/");
}

/** A pattern may be global: it must not remember where it was. */
function test(pattern: RegExp, method: string, path: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(`${method} ${path}`);
}
