import type { AnswerHead, Interception, ServedRequest } from "../server/served-request.ts";
import { type Fault, faultOf, hasAnswerBody } from "./fault.ts";

/** Options of `faults.lyingRange`. */
export interface LyingRangeOptions {
  /**
   * How the answer to a range differs from what was asked for: it starts one byte later (`start`), it speaks of a blob
   * one byte larger (`total`), or it is the whole blob with a 200 (`ignored`).
   * @defaultValue "start"
   */
  readonly mode?: "start" | "total" | "ignored" | undefined;
}

/** Only requests with a `Range` meet it. */
export function lyingRange({ mode = "start" }: LyingRangeOptions = {}): Fault {
  const interceptions = {
    start: (request) => ({ requestHeaders: { range: oneLater(request.range ?? "") } }),
    total: () => ({ head: withLargerTotal }),
    ignored: () => ({ requestHeaders: { range: undefined } }),
  } satisfies Record<string, (request: ServedRequest) => Interception>;
  return faultOf(interceptions[mode], (request) => request.range !== undefined && hasAnswerBody(request));
}

/** A range that starts a byte later, and a suffix a byte shorter: the registry then answers it honestly. */
function oneLater(range: string): string {
  return range
    .replace(/([0-9]+)-/, (_, start: string) => `${Number(start) + 1}-`)
    .replace(/=-([0-9]+)/, (_, length: string) => `=-${Number(length) - 1}`);
}

function withLargerTotal({ status, headers }: AnswerHead): AnswerHead {
  const range = String(headers["content-range"] ?? "");
  const larger = range.replace(/\/([0-9]+)$/, (_, total: string) => `/${Number(total) + 1}`);
  return { status, headers: { ...headers, "content-range": larger || undefined } };
}
