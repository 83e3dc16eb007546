import { RegistryError } from "../errors.ts";
import type { BodySink, ResponseHead } from "./exchange.ts";
import { contentLengthOf } from "./headers.ts";
import { maxErrorBodyBytes } from "./http-error.ts";
import type { Operation } from "./operation.ts";

/** What a request wants of its answer's body. */
export interface BodyWish {
  readonly method: string;
  readonly operation: Operation;
  readonly expect: readonly number[];
  readonly onHead?: ((head: ResponseHead) => BodySink) | undefined;
  readonly maxBodyBytes?: number | undefined;
}

/** Takes one answer's body: to the caller's sink, whole and bounded, or as much of an error as is worth reading. */
export class BodyTaker {
  readonly #request: BodyWish;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(request: BodyWish) {
    this.#request = request;
  }

  /** What was kept of the body. */
  body(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#chunks));
  }

  /** Who takes the body that follows this head. */
  sinkFor(head: ResponseHead): BodySink {
    const { expect, onHead, maxBodyBytes = maxErrorBodyBytes, method } = this.#request;
    if (!expect.includes(head.status)) return (chunk) => this.#take(chunk, maxErrorBodyBytes);
    if (onHead) return onHead(head);
    if (method !== "HEAD" && (contentLengthOf(head.headers) ?? 0) > maxBodyBytes) throw this.#tooLarge(maxBodyBytes);
    return (chunk) => {
      if (this.#take(chunk, maxBodyBytes) === false) throw this.#tooLarge(maxBodyBytes);
    };
  }

  #take(chunk: Uint8Array, limitBytes: number): undefined | false {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > limitBytes) return false;
    this.#chunks.push(new Uint8Array(chunk));
    return undefined;
  }

  #tooLarge(limitBytes: number): RegistryError {
    const { reference, what } = this.#request.operation;
    const message = `cannot ${what}: the answer is larger than ${limitBytes} bytes`;
    return new RegistryError("TOO_LARGE", message, { reference, limitBytes });
  }
}
