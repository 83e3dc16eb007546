import { RegistryError } from "../errors.ts";
import { type Operation, protocolError } from "../remote/operation.ts";
import type { FileAnswer } from "./ask-file.ts";
import type { FileNews } from "./file-answer.ts";
import type { FetchedFile } from "./file-fetcher.ts";

/** Where an answer came from, and who wants it. */
export interface OpenedFrom {
  readonly url: URL;
  readonly operation: Operation;
  readonly signal: AbortSignal | undefined;
}

/** An answer whose body is still to be read: as many bytes as it says, or an error. */
export class OpenedFile implements FetchedFile {
  readonly outcome: FetchedFile["outcome"];
  readonly url: string;
  readonly size: number | undefined;
  readonly etag: string | undefined;
  readonly #answer: FileAnswer;
  readonly #length: number | undefined;
  readonly #from: OpenedFrom;
  #isTaken = false;

  constructor(answer: FileAnswer, news: FileNews, from: OpenedFrom) {
    this.outcome = news.outcome;
    this.size = news.size;
    this.etag = news.etag;
    this.url = from.url.href;
    this.#answer = answer;
    this.#length = news.length;
    this.#from = from;
  }

  get body(): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => this.#take() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isTaken = true;
    await this.#answer.drop();
  }

  #take(): AsyncGenerator<Uint8Array> {
    if (this.#isTaken) throw new Error(`the body of ${this.#from.operation.reference} was read or dropped before`);
    this.#isTaken = true;
    return this.#read();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    const { operation, signal } = this.#from;
    const { registry, reference, what } = operation;
    const length = this.#length;
    let received = 0;
    try {
      for await (const chunk of this.#answer.chunks) {
        signal?.throwIfAborted();
        received += chunk.byteLength;
        if (length !== undefined && received > length)
          throw protocolError(operation, `more than the ${length} bytes said`);
        yield chunk;
      }
    } finally {
      await this.#answer.drop();
    }
    if (length === undefined || received === length) return;
    const message = `cannot ${what}: the answer ended after ${received} of ${length} bytes`;
    throw new RegistryError("NETWORK", message, { registry, reference, reason: "UNEXPECTED_EOF" });
  }
}
