import { gzipSync } from "node:zlib";
import type { AnswerHead, Interception } from "../server/served-request.ts";
import { type Fault, faultOf, hasAnswerBody } from "./fault.ts";

/** Options of `faults.pad`. */
export interface PadOptions {
  /** Whether `Content-Length` tells of them; else they come after the answer has ended. @defaultValue true */
  readonly isTold?: boolean | undefined;
}

const fillerBytes = 64 * 1024;

/** So many bytes more. */
export function pad(bytes: number, { isTold = true }: PadOptions): Fault {
  const interception: Interception = {
    sent: (body) => joined(body, [new Uint8Array(bytes)]),
    head: ({ status, headers }) => {
      const length = headers["content-length"];
      const longer = length === undefined ? undefined : Number(length) + bytes;
      return { status, headers: isTold ? { ...headers, "content-length": longer } : headers };
    },
  };
  return faultOf(() => interception, hasAnswerBody);
}

/** A body of no said length that goes on until the connection is gone. */
export function endless(): Fault {
  return faultOf(() => ({ head: withoutLength, sent: (body) => joined(body, fillers()) }), hasAnswerBody);
}

/** The same body, whose length is not said. */
export function unsized(): Fault {
  return faultOf(() => ({ head: withoutLength }), hasAnswerBody);
}

/** The body in gzip's coding, nobody asked for it or not. */
export function gzip(): Fault {
  const interception: Interception = {
    head: (head) => {
      const { status, headers } = withoutLength(head);
      return { status, headers: { ...headers, "content-encoding": "gzip" } };
    },
    sent: gzipped,
  };
  return faultOf(() => interception, hasAnswerBody);
}

function withoutLength({ status, headers }: AnswerHead): AnswerHead {
  return { status, headers: { ...headers, "content-length": undefined } };
}

async function* joined(body: AsyncIterable<Uint8Array>, more: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* body;
  yield* more;
}

function* fillers(): Generator<Uint8Array> {
  const filler = new Uint8Array(fillerBytes);
  for (;;) yield filler;
}

async function* gzipped(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  yield gzipSync(Buffer.concat(chunks));
}
