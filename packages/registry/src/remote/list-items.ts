import type { ClientResponse, HttpClient } from "./http-client.ts";
import { type PageRequest, paginate } from "./paginate.ts";

/** Which list to read, and how to read its pages. */
export interface ListRequest extends Omit<PageRequest, "url" | "after"> {
  /** Without `n` and `last`: they are added here. */
  readonly url: URL;
  /** Items to ask for at once. */
  readonly pageSize: number;
  /** The items of a page; throws when it is none. */
  readonly itemsOf: (page: ClientResponse) => readonly string[];
}

/**
 * The items of a list of tags or repositories, each page asked for when the one before was used up. Goes by `Link`
 * headers. Where a full page has none, the registry may have forgotten it: it is asked for what comes after the last
 * item, until that brings nothing new, whatever that page links to: a registry that knows links only begins again there.
 * @throws RegistryError `PROTOCOL`
 * @see distribution-spec v1.1.1, "Listing Tags"
 */
export async function* listItems(client: HttpClient, request: ListRequest): AsyncGenerator<string> {
  const { pageSize, itemsOf, ...rest } = request;
  const seen = new Set<string>();
  let page: readonly string[] = [];
  let brought = 0;
  let isGuess = false;
  const after = (): URL | undefined => {
    const last = page.at(-1);
    isGuess = page.length === pageSize && brought > 0;
    return isGuess && last !== undefined ? pageUrl(request, last) : undefined;
  };
  for await (const answer of paginate(client, { ...rest, url: pageUrl(request), after })) {
    page = itemsOf(answer);
    brought = 0;
    for (const item of page) {
      if (seen.has(item)) continue; // a registry that does not know `last` begins again
      seen.add(item);
      brought += 1;
      yield item;
    }
    if (isGuess && brought === 0) return;
    isGuess = false;
  }
}

function pageUrl({ url, pageSize }: ListRequest, last?: string): URL {
  const paged = new URL(url);
  paged.searchParams.set("n", String(pageSize));
  if (last !== undefined) paged.searchParams.set("last", last);
  return paged;
}
