import type { Interception, ServedRequest } from "../server/served-request.ts";
import type { Fault } from "./fault.ts";

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
  readonly matches: (request: ServedRequest) => boolean;
  readonly happen: (request: ServedRequest) => Interception | undefined;
  left: number;
}

/** Faults waiting for their requests. The first that does not pass a request over happens to it, and no other. */
export class FaultQueue {
  #pending: Pending[] = [];

  add(fault: Fault, { times = Number.POSITIVE_INFINITY, match = isContentRequest }: FailOptions = {}): void {
    const matches = match instanceof RegExp ? ({ method, path }: ServedRequest) => test(match, method, path) : match;
    this.#pending.push({ matches, happen: fault.begin(), left: times });
  }

  take(request: ServedRequest): Interception | undefined {
    for (const pending of this.#pending) {
      const interception = pending.left > 0 && pending.matches(request) ? pending.happen(request) : undefined;
      if (!interception) continue;
      pending.left -= 1;
      return interception;
    }
    return undefined;
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
