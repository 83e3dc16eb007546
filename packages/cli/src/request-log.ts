import type { Interception, ServedRequest } from "@tranship/registry/server";
import type { CliEvent } from "./print/cli-event.ts";

/** What {@link logRequest} tells. */
export interface RequestLogOptions {
  /** Tells of every answer, not only of what failed. */
  readonly isVerbose: boolean;
  readonly tell: (event: CliEvent) => void;
}

/**
 * Tells how a request ends; why one failed stands nowhere else, since whoever sent it is only told that it did. Changes
 * nothing about how it is served.
 */
export function logRequest(request: ServedRequest, { isVerbose, tell }: RequestLogOptions): Interception {
  const { method, path } = request;
  let isTold = false;
  const fail = (reason: string) => {
    if (!isTold) tell({ type: "request.failed", method, path, reason });
    isTold = true;
  };
  return {
    head(head) {
      if (isVerbose) tell({ type: "request.answered", method, path, status: head.status });
      if (request.failure !== undefined) fail(request.failure);
      return head;
    },
    async *sent(body, signal) {
      try {
        yield* body;
      } catch (error) {
        // the head may be out: nothing else will tell; whoever went away is no failure of ours
        if (!signal.aborted) fail(error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
  };
}
