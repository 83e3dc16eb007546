import { isRegistryError } from "../errors.ts";
import { ApiError, unsupported } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";
import type { Home } from "./home.ts";
import type { Headers } from "./served-request.ts";

/** A repository's tags, page by page. @see distribution-spec v1.1.1, "Listing Tags" */
export async function answerTags(
  exchange: Exchange,
  home: Home,
  repository: string,
  maxPageSize: number,
): Promise<void> {
  if (exchange.method !== "GET") throw unsupported("tags take GET");
  try {
    const all = home.reader(repository).tags({ signal: exchange.signal });
    const page = await pageOf(exchange, `/v2/${repository}/tags/list`, all, maxPageSize);
    await exchange.sendJson(200, page.headers, { name: repository, tags: page.items });
  } catch (error) {
    if (isRegistryError(error, "NOT_FOUND")) throw new ApiError(404, "NAME_UNKNOWN", "no such repository");
    throw error;
  }
}

/** The repositories, page by page, as Docker's registry lists them; the root's own has no name here. */
export async function answerCatalog(exchange: Exchange, home: Home, maxPageSize: number): Promise<void> {
  if (exchange.method !== "GET") throw unsupported("the catalog takes GET");
  const all = home.registry.repositories({ signal: exchange.signal });
  const page = await pageOf(exchange, "/v2/_catalog", all, maxPageSize);
  await exchange.sendJson(200, page.headers, { repositories: page.items });
}

interface Page {
  readonly items: readonly string[];
  readonly headers: Headers;
}

async function pageOf(
  { query }: Exchange,
  path: string,
  all: AsyncIterable<string>,
  maxPageSize: number,
): Promise<Page> {
  const wanted = query.get("n");
  if (wanted !== null && !/^[0-9]{1,9}$/.test(wanted)) {
    throw new ApiError(400, "PAGINATION_NUMBER_INVALID", "n is not a number");
  }
  const count = Math.min(maxPageSize, wanted === null ? maxPageSize : Number(wanted));
  const last = query.get("last") ?? "";
  const items: string[] = [];
  for await (const item of all) if (item > last) items.push(item);
  const page = items.sort().slice(0, count);
  const end = page.at(-1);
  if (end === undefined || page.length === items.length) return { items: page, headers: {} };
  const next = `${path}?${new URLSearchParams({ n: String(count), last: end })}`;
  return { items: page, headers: { link: `<${next}>; rel="next"` } };
}
