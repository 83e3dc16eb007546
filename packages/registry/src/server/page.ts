import { ApiError } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";
import type { AnswerHeaders } from "./served-request.ts";

/** Options of {@link pageOf}. */
export interface PageOptions<Item> {
  /** The list's own path; the link to the next page leads there. */
  readonly path: string;
  /** Items come in the order of their keys, and a page begins after a key. */
  readonly keyOf: (item: Item) => string;
  /** Items in one page, at most. */
  readonly maxItems: number;
  /** Bytes of JSON in one page, at most, but one item always. @defaultValue unlimited */
  readonly maxBytes?: number | undefined;
  /** What the next page's query has to repeat. @defaultValue nothing */
  readonly carried?: Readonly<Record<string, string>> | undefined;
}

/** Part of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** `Link` to the rest, if there is one. */
  readonly headers: AnswerHeaders;
}

/**
 * The page of a list that a request's `n` and `last` ask for.
 * @throws ApiError `PAGINATION_NUMBER_INVALID`
 */
export async function pageOf<Item>(
  { query }: Pick<Exchange, "query">,
  all: AsyncIterable<Item>,
  { path, keyOf, maxItems, maxBytes = Number.POSITIVE_INFINITY, carried = {} }: PageOptions<Item>,
): Promise<Page<Item>> {
  const wanted = query.get("n");
  if (wanted !== null && !/^[0-9]{1,9}$/.test(wanted)) {
    throw new ApiError(400, "PAGINATION_NUMBER_INVALID", "n is not a number");
  }
  const count = Math.min(maxItems, wanted === null ? maxItems : Number(wanted));
  const last = query.get("last") ?? "";
  const items = await firstAfter(all, last, count + 1, keyOf); // one more tells whether there is another page
  const page = items.slice(0, Math.min(count, fitting(items, maxBytes)));
  const end = page.at(-1);
  if (end === undefined || page.length === items.length) return { items: page, headers: {} };
  const next = `${path}?${new URLSearchParams({ ...carried, n: String(count), last: keyOf(end) })}`;
  return { items: page, headers: { link: `<${next}>; rel="next"` } };
}

/** The first `count` items behind a key, sorted: of a long list, no more than twice as many are kept and sorted at a time. */
async function firstAfter<Item>(
  all: AsyncIterable<Item>,
  last: string,
  count: number,
  keyOf: (item: Item) => string,
): Promise<readonly Item[]> {
  const byKey = (a: Item, b: Item) => (keyOf(a) < keyOf(b) ? -1 : 1);
  const first: Item[] = [];
  let end: string | undefined; // what comes behind it is on a later page
  for await (const item of all) {
    const key = keyOf(item);
    if (key <= last || (end !== undefined && key > end)) continue;
    first.push(item);
    if (first.length < 2 * count) continue;
    first.sort(byKey).splice(count);
    end = keyOf(first[count - 1] ?? item);
  }
  return first.sort(byKey).slice(0, count);
}

/** How many items have no more than `maxBytes` together; one at least. */
function fitting(items: readonly unknown[], maxBytes: number): number {
  if (maxBytes === Number.POSITIVE_INFINITY) return items.length;
  let bytes = 0;
  const over = items.findIndex((item) => {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    return bytes > maxBytes;
  });
  return over < 0 ? items.length : Math.max(1, over);
}
