import { RegistryError } from "../errors.ts";
import { basicHeader } from "../remote/auth/basic.ts";
import { checkOptions } from "../remote/check-options.ts";
import { networkError } from "../remote/network-error.ts";
import { protocolError } from "../remote/operation.ts";
import { longestTimerMs } from "../remote/sleep.ts";
import { unlessAborted } from "../remote/unless-aborted.ts";
import type { AskFile, FileAnswer, FileRequest } from "./ask-file.ts";
import { fetchFile } from "./fetch-file.ts";
import type { FileFetcher } from "./file-fetcher.ts";

/** Options of {@link webFileFetcher}. */
export interface WebFileFetcherOptions {
  /** As the standard has it. @defaultValue the `fetch` of this runtime */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** The longest time without a byte, in milliseconds; `Infinity` for any. @defaultValue 60 000 */
  readonly idleTimeoutMs?: number | undefined;
}

/**
 * Fetches files with a standard `fetch`: for runtimes, proxies and tests that bring their own. It keeps the same rules as
 * `createFileClient`, as far as such a function lets it:
 *
 * - proxies, authorities, client certificates and limits are those `fetch` has;
 * - bytes that had arrived when a connection broke may be lost with it, so a download goes on further back;
 * - one that hides where redirects lead, as browsers do, cannot follow any: `UNSUPPORTED`;
 * - one that hides headers, as browsers do across origins, gives no version, and no rest without `Content-Range`;
 * - one that undoes a content coding and hides that there was one cannot be caught at it: digests have to.
 * @throws RangeError for a time that makes no sense
 */
export function webFileFetcher(options: WebFileFetcherOptions = {}): FileFetcher {
  const { fetch = globalThis.fetch, idleTimeoutMs = 60_000 } = options;
  checkOptions({ idleTimeoutMs });
  const ask: AskFile = async (request) => {
    const exchange = new WebExchange(request, idleTimeoutMs);
    const response = await exchange.watched(async (signal) => {
      const headers = headersFor(request);
      return await fetch(request.url.href, { method: "GET", headers, signal, ...standing });
    });
    const answer = exchange.opened(response);
    try {
      refuseUnseen(response, request);
    } catch (error) {
      await answer.drop();
      throw error;
    }
    return answer;
  };
  return { fetch: (url, asked) => fetchFile(ask, url, asked) };
}

/** What else holds for every question: nothing of a browser's own is shown or kept. */
const standing = { redirect: "manual", credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" } as const;

function headersFor({ headers, credentials }: FileRequest): Record<string, string> {
  const authorization = credentials ? { authorization: basicHeader(credentials) } : {};
  return { accept: "*/*", "accept-encoding": "identity", ...authorization, ...headers };
}

function refuseUnseen(response: Response, { url, operation }: FileRequest): void {
  const { what } = operation;
  if (response.type === "opaqueredirect") {
    const message = `cannot ${what}: it leads elsewhere, and this fetch does not show where`;
    throw new RegistryError("UNSUPPORTED", message, { registry: url.host, operation: what });
  }
  if (response.redirected) throw protocolError(operation, "this fetch has followed a redirect that nobody checked");
}

/** One call of `fetch`: its clock, and whoever ends it. */
class WebExchange {
  readonly #request: FileRequest;
  readonly #idleTimeoutMs: number;
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal;

  constructor(request: FileRequest, idleTimeoutMs: number) {
    this.#request = request;
    this.#idleTimeoutMs = idleTimeoutMs;
    const { signal } = request;
    this.#signal = signal ? AbortSignal.any([signal, this.#ending.signal]) : this.#ending.signal;
  }

  /** What `work` gives in time, or why it did not come. */
  async watched<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { operation, signal } = this.#request;
    const idleMs = this.#idleTimeoutMs;
    const timer = setTimeout(
      () => {
        const message = `cannot ${operation.what}: nothing came from ${operation.registry} for ${idleMs} ms`;
        const { registry, reference } = operation;
        this.#ending.abort(new RegistryError("TIMEOUT", message, { registry, reference, idleMs }));
      },
      Math.min(idleMs, longestTimerMs),
    );
    try {
      return await unlessAborted(() => work(this.#signal), this.#signal); // not every fetch heeds its signal
    } catch (error) {
      signal?.throwIfAborted();
      this.#ending.signal.throwIfAborted();
      throw this.#failure(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** An answer whose body is to be read. */
  opened({ status, headers, body }: Response): FileAnswer {
    const reader = body?.getReader();
    const drop = async () => {
      this.#ending.abort(new Error(`${this.#request.operation.reference} was dropped`));
      await reader?.cancel().catch(() => undefined); // one that has failed cannot be dropped
    };
    return { status, headers: Object.fromEntries(headers), chunks: this.#chunksOf(reader), drop };
  }

  async *#chunksOf(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { value } = (await this.watched(async () => await reader?.read())) ?? {};
      if (value === undefined) return;
      yield value;
    }
  }

  #failure(error: unknown): Error {
    const { operation } = this.#request;
    const failure = networkError(error, operation, this.#idleTimeoutMs);
    if (failure instanceof RegistryError) return failure;
    const { registry, reference, what } = operation;
    const details = { registry, reference, reason: "FETCH_FAILED" };
    return new RegistryError("NETWORK", `cannot ${what}: ${failure.message}`, details, { cause: error });
  }
}
