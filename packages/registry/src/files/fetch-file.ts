import { RegistryError } from "../errors.ts";
import { headerOf } from "../remote/headers.ts";
import { httpError, maxErrorBodyBytes } from "../remote/http-error.ts";
import { type Operation, protocolError } from "../remote/operation.ts";
import type { AskFile, FileAnswer } from "./ask-file.ts";
import { operationOf, parseFileAddress } from "./file-address.ts";
import { isVersion, newsOf } from "./file-answer.ts";
import type { FetchedFile, FetchFileOptions } from "./file-fetcher.ts";
import { OpenedFile } from "./opened-file.ts";
import { redirectStatuses, redirectTarget } from "./redirect-target.ts";

const maxRedirects = 10;

/** What all ways to ask have in common: conditions, redirects, and what an answer means. */
export async function fetchFile(ask: AskFile, address: string, options: FetchFileOptions = {}): Promise<FetchedFile> {
  const { signal, onAddress } = options;
  signal?.throwIfAborted();
  const headers = conditionsOf(options);
  const offset = headers.range === undefined ? 0 : (options.offset ?? 0);
  const { url: first, credentials } = parseFileAddress(address);
  let isNamed = true;
  let url = first;
  for (let hops = 0; ; hops += 1) {
    onAddress?.(new URL(url));
    const operation = operationOf(first, url);
    const answer = await ask({
      url,
      headers,
      credentials: isNamed ? credentials : undefined,
      isNamed,
      operation,
      signal,
    });
    if (!redirectStatuses.has(answer.status)) {
      return await open(answer, { url, operation, signal, offset, isConditional: options.ifNoneMatch !== undefined });
    }
    const told = `redirect ${answer.status}`;
    await bodyOf(answer, signal); // read, not dropped: the next question may go to the same server
    if (hops >= maxRedirects) throw protocolError(operation, `more than ${maxRedirects} redirects`);
    const to = redirectTarget(headerOf(answer.headers, "location"), url, first);
    if (typeof to === "string") throw protocolError(operation, `${told}: ${to}`);
    isNamed &&= to.origin === first.origin; // who was led away is nobody from then on, wherever it ends
    url = to;
  }
}

/** Which file is asked for, and how much of it. */
function conditionsOf({ offset = 0, ifRange, ifNoneMatch }: FetchFileOptions): Record<string, string> {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`offset must be a whole number, not ${offset}`);
  for (const [name, version] of Object.entries({ ifRange, ifNoneMatch })) {
    if (version !== undefined && !isVersion(version)) throw new TypeError(`${name} must be the version of a file`);
  }
  const range = { range: `bytes=${offset}-`, ...(ifRange === undefined ? {} : { "if-range": ifRange }) };
  // a weak version does not promise the same bytes, and may not be sent so (RFC 9110, "If-Range"): all is asked for
  const isPart = offset > 0 && !ifRange?.startsWith("W/");
  return { ...(isPart ? range : {}), ...(ifNoneMatch === undefined ? {} : { "if-none-match": ifNoneMatch }) };
}

interface Opening {
  readonly url: URL;
  readonly operation: Operation;
  readonly signal: AbortSignal | undefined;
  readonly offset: number;
  readonly isConditional: boolean;
}

async function open(answer: FileAnswer, opening: Opening): Promise<FetchedFile> {
  try {
    const news = newsOf(answer, opening);
    if (!news) throw failureOf(answer, await bodyOf(answer, opening.signal), opening);
    if (news.length === 0) await bodyOf(answer, opening.signal); // of a 416 there may be one, which is not the file's
    return new OpenedFile(news.length === 0 ? { ...answer, chunks: none() } : answer, news, opening);
  } catch (error) {
    await answer.drop();
    throw error;
  }
}

function failureOf({ status, headers }: FileAnswer, body: Uint8Array, { url, operation }: Opening): RegistryError {
  const error = httpError({ status, headers, body, host: url.host }, operation);
  if (status !== 410) return error;
  return new RegistryError("NOT_FOUND", error.message, { registry: url.host, reference: operation.reference });
}

/** As much of a body that is not the file's as is worth reading; what breaks in it changes nothing. */
async function bodyOf({ chunks, drop }: FileAnswer, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength;
      if (bytes > maxErrorBodyBytes) break;
      kept.push(chunk);
    }
  } catch {
    signal?.throwIfAborted();
  }
  await drop();
  return new Uint8Array(Buffer.concat(kept));
}

async function* none(): AsyncGenerator<Uint8Array> {}
