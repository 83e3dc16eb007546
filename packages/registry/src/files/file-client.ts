import type { Dispatcher } from "undici";
import { RegistryError } from "../errors.ts";
import { basicHeader } from "../remote/auth/basic.ts";
import { checkOptions } from "../remote/check-options.ts";
import { ChunkQueue } from "../remote/chunk-queue.ts";
import { exchange, type ResponseHead } from "../remote/exchange.ts";
import { pacedSink } from "../remote/paced-body.ts";
import { createTransport } from "../remote/transport/create-transport.ts";
import type { AskFile, FileAnswer, FileRequest } from "./ask-file.ts";
import { fetchFile } from "./fetch-file.ts";
import { byOrigin, checkedHeaders, type FileClientOptions } from "./file-client-options.ts";
import type { FetchedFile, FetchFileOptions, FileFetcher } from "./file-fetcher.ts";
import { OriginLanes } from "./origin-lanes.ts";

const longestConnectMs = 10_000;

/** How much may lie between the socket and a slow reader, in bytes. */
const queueBytes = 1024 * 1024;

/**
 * A client for files of web servers, over connections of its own: with proxies, authorities, client certificates and
 * limits. Nothing is connected before the first question. A file takes one of its server's connections from the question
 * until its body is read or dropped, so whoever fetches reads or disposes. Disposed, the client drops all connections:
 * what still runs fails, what comes later is refused with `UNSUPPORTED`.
 * @throws RegistryError `TLS` for certificates or keys that cannot be read, `UNSUPPORTED` for a proxy that is none,
 *   `INVALID_REFERENCE` for a key that is no host or origin
 * @throws RangeError or TypeError for limits, times and headers that make no sense
 */
export function createFileClient(options: FileClientOptions = {}): FileFetcher & AsyncDisposable {
  return new FileClient(options);
}

class FileClient implements FileFetcher, AsyncDisposable {
  readonly #lanes: OriginLanes;
  /** Towards servers the caller names, and towards those redirects lead to. */
  readonly #named: Dispatcher;
  readonly #led: Dispatcher;
  readonly #idleTimeoutMs: number;
  /** By origin: what it is shown with every question. */
  readonly #shown: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly #common: Readonly<Record<string, string>>;
  readonly #closing = new AbortController();

  constructor(options: FileClientOptions) {
    const { idleTimeoutMs = 60_000, userAgent = "tranship", limits = {}, hosts } = options;
    checkOptions({ idleTimeoutMs, userAgent });
    this.#lanes = new OriginLanes(limits);
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#common = { "user-agent": userAgent, accept: "*/*", "accept-encoding": "identity" };
    this.#shown = headersByOrigin(options);
    const { ca, tlsSkipVerify, proxy, clientCertificate } = options;
    const parts = {
      hosts,
      connections: limits.connections ?? 8,
      connectTimeoutMs: Math.min(longestConnectMs, idleTimeoutMs),
    };
    this.#named = createTransport({ ...parts, options: { ca, tlsSkipVerify, proxy, clientCertificate } });
    this.#led = clientCertificate ? createTransport({ ...parts, options: { ca, tlsSkipVerify, proxy } }) : this.#named;
  }

  async fetch(url: string, options?: FetchFileOptions): Promise<FetchedFile> {
    return await fetchFile(this.#ask, url, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const details = { registry: "", operation: "fetch" };
    const closed = new RegistryError("UNSUPPORTED", "cannot fetch files: their client was closed", details);
    this.#closing.abort(closed);
    await Promise.all([...new Set([this.#named, this.#led])].map((dispatcher) => dispatcher.destroy(closed)));
  }

  readonly #ask: AskFile = async (request) => {
    const { url, signal, operation, isNamed } = request;
    this.#closing.signal.throwIfAborted();
    const leave = new AbortController();
    const ending = AbortSignal.any([leave.signal, this.#closing.signal, ...(signal ? [signal] : [])]);
    const permit = await this.#lanes.enter(url.origin, ending);
    const queue = new ChunkQueue(queueBytes);
    const head = Promise.withResolvers<ResponseHead>();
    const wire = { method: "GET" as const, url, headers: this.#headersFor(request), operation };
    const dispatcher = isNamed ? this.#named : this.#led;
    const push = (chunk: Uint8Array) => queue.push(chunk);
    const idleTimeoutMs = this.#idleTimeoutMs;
    const running = exchange(dispatcher, { ...wire, idleTimeoutMs, signal: ending }, (answer) => {
      head.resolve(answer);
      return permit.pacer ? pacedSink(push, permit.pacer, ending) : push;
    })
      .then(
        () => queue.end(),
        (error: unknown) => {
          head.reject(error);
          queue.end({ error });
        },
      )
      .finally(() => permit[Symbol.dispose]());
    const drop = async () => {
      leave.abort(new Error(`${operation.reference} was dropped`));
      await running;
    };
    return { ...(await head.promise), chunks: queue.chunks(), drop } satisfies FileAnswer;
  };

  #headersFor({ url, headers, credentials, isNamed }: FileRequest): Record<string, string> {
    const shown = isNamed ? this.#shown.get(url.origin) : undefined;
    const authorization = credentials ? { authorization: basicHeader(credentials) } : {};
    return { ...this.#common, ...shown, ...authorization, ...headers };
  }
}

function headersByOrigin({ headers, credentials }: FileClientOptions) {
  const shown = new Map<string, Readonly<Record<string, string>>>();
  for (const [origin, given] of byOrigin(credentials)) shown.set(origin, { authorization: basicHeader(given) });
  for (const [origin, given] of byOrigin(headers))
    shown.set(origin, { ...shown.get(origin), ...checkedHeaders(given) });
  return shown;
}
