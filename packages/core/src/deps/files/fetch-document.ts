import { setTimeout as pause } from "node:timers/promises";
import { RegistryError } from "@tranship/registry";
import type { DepsAccess } from "../access.ts";
import { defaultMaxManifestBytes } from "../json.ts";
import { parseHttpUrl } from "./http-address.ts";
import { mayPass, retryAfterOf, transferError } from "./transfer-error.ts";

/** The pauses between attempts, in milliseconds: four attempts. */
const defaultPausesMs = [1000, 2000, 4000] as const;

/** Options of {@link fetchDocument}. */
export interface FetchDocumentOptions {
  readonly access: Pick<DepsAccess, "files" | "hosts">;
  /** What it is, for messages and for the policy of hosts. */
  readonly item: string;
  /** The longest document that is taken, in bytes. @defaultValue 16 MiB */
  readonly maxBytes?: number | undefined;
  /** The version that is at hand, as a server said it. */
  readonly ifNoneMatch?: string | undefined;
  /** The pauses between attempts, in milliseconds; there is one attempt more than pauses. @defaultValue 1, 2 and 4 seconds */
  readonly pausesMs?: readonly number[] | undefined;
  /** The longest pause a server may ask for with `Retry-After`, in milliseconds; else it fails at once. @defaultValue a minute */
  readonly maxRetryAfterMs?: number | undefined;
  /** Waits so many milliseconds. @defaultValue by the clock */
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<unknown>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A document as a server has it. */
export interface FetchedDocument {
  readonly bytes: Uint8Array;
  /** Its version, if the server says one: for `ifNoneMatch`. */
  readonly etag?: string | undefined;
}

/**
 * Reads a document of a web server whole, or finds that it is unchanged. Failures of the network, the statuses 408, 429 and
 * those from 500 on, and bodies that break off are tried again, after the pauses given, or later where the server says so.
 * @throws DepsError `NOT_FOUND`, `HTTP_STATUS`, `TOO_LARGE`, `TRANSFER_FAILED`, `HOST_FORBIDDEN`, `URL_INVALID`; `signal.reason`
 */
export async function fetchDocument(
  url: string,
  options: FetchDocumentOptions,
): Promise<FetchedDocument | "unchanged"> {
  const { item, pausesMs = defaultPausesMs, maxRetryAfterMs = 60_000, signal } = options;
  const { sleep = (ms) => pause(ms, undefined, { signal }) } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await fetchOnce(url, options);
    } catch (error) {
      signal?.throwIfAborted();
      const pauseMs = pausesMs[attempt];
      const askedMs = retryAfterOf(error) ?? 0;
      if (pauseMs === undefined || askedMs > maxRetryAfterMs || !mayPass(error)) throw transferError(error, item, url);
      await sleep(Math.max(pauseMs, askedMs), signal).catch((reason: unknown) => {
        signal?.throwIfAborted();
        throw reason;
      });
    }
  }
}

async function fetchOnce(
  url: string,
  { access, item, maxBytes = defaultMaxManifestBytes, ifNoneMatch, signal }: FetchDocumentOptions,
): Promise<FetchedDocument | "unchanged"> {
  signal?.throwIfAborted();
  const onAddress = ({ host }: URL) => access.hosts?.require(host, item);
  parseHttpUrl(url, item);
  const answer = await access.files.fetch(url, { ifNoneMatch, onAddress, signal });
  try {
    if (answer.outcome === "unchanged") return "unchanged";
    if ((answer.size ?? 0) > maxBytes) throw tooLarge(item, maxBytes);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.body) {
      length += chunk.byteLength;
      if (length > maxBytes) throw tooLarge(item, maxBytes);
      chunks.push(chunk);
    }
    return { bytes: Buffer.concat(chunks), etag: answer.etag };
  } finally {
    await answer[Symbol.asyncDispose]();
  }
}

function tooLarge(reference: string, limitBytes: number): RegistryError<"TOO_LARGE"> {
  return new RegistryError("TOO_LARGE", `cannot read ${reference}`, { reference, limitBytes });
}
