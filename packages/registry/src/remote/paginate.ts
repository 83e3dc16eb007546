import { listHeaderOf } from "./headers.ts";
import type { ClientResponse, HttpClient } from "./http-client.ts";
import { resolveLocation } from "./location.ts";
import { isNext, nextLink } from "./next-link.ts";
import { type Operation, protocolError } from "./operation.ts";
import { requireNotEncoded } from "./require-not-encoded.ts";

/** Which pages to read. */
export interface PageRequest {
  readonly url: URL;
  readonly operation: Operation;
  readonly scopes: readonly string[];
  readonly accept?: string;
  /** Where the list may go on after a page that names no next one. @defaultValue nowhere */
  readonly after?: (page: ClientResponse) => URL | undefined;
  /** The longest list that is read, all its pages together, in bytes. @defaultValue 128 MiB */
  readonly maxListBytes?: number;
  /** The largest number of its pages. @defaultValue 10 000 */
  readonly maxPages?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The largest page read, in bytes: some registries give all tags at once, and a signature has one of 75 characters. */
export const maxPageBytes: number = 32 * 1024 * 1024;
const defaultMaxPages = 10_000;

/** Millions of tags; whoever asks for them keeps them. */
const defaultMaxListBytes = 128 * 1024 * 1024;

/**
 * The pages of a list, each asked for when the one before was used up.
 * @throws RegistryError `PROTOCOL` when the pages lead in a circle, elsewhere, to what cannot be read, or nowhere after `maxPages` or
 *   `maxListBytes`
 * @see distribution-spec v1.1.1, "Listing Tags"
 */
export async function* paginate(client: HttpClient, request: PageRequest): AsyncGenerator<ClientResponse> {
  const { operation, scopes, accept = "application/json", after, signal } = request;
  const { maxListBytes = defaultMaxListBytes, maxPages = defaultMaxPages } = request;
  const refuse = (reason: string) => protocolError(operation, reason);
  const seen = new Set<string>();
  let bytes = 0;
  for (let next: URL | undefined = request.url; next; ) {
    if (seen.has(next.href)) throw refuse("the pages lead in a circle");
    if (seen.size >= maxPages) throw refuse(`more than ${maxPages} pages`);
    seen.add(next.href);
    const page: ClientResponse = await client.ask({
      method: "GET",
      url: next,
      headers: { accept },
      operation,
      lane: "meta",
      scopes,
      expect: [200],
      maxBodyBytes: maxPageBytes,
      signal,
    });
    bytes += page.body.byteLength;
    if (bytes > maxListBytes) throw refuse(`more than ${maxListBytes} bytes on its pages`);
    yield page;
    const links = listHeaderOf(page.headers, "link");
    const link = nextLink(links);
    const target: URL | string | undefined = link === undefined ? after?.(page) : resolveLocation(link, next);
    if (typeof target === "string" || (target && target.origin !== client.origin.origin)) {
      throw refuse("its next page is on another host");
    }
    // taken for none, a link to a next page that is written in a way of its own would cut the list short
    if (!target && isNext(links ?? "")) throw refuse("its link to the next page cannot be read");
    next = target;
  }
}

/** A page's body as JSON. @throws RegistryError `PROTOCOL` */
export function jsonOf(page: ClientResponse, operation: Operation): unknown {
  requireNotEncoded(page, operation);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(page.body));
  } catch (cause) {
    throw protocolError(operation, "the answer is not JSON", cause);
  }
}
