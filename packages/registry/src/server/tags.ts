import { isRegistryError } from "../errors.ts";
import { ApiError, methodNotAllowed } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";
import type { Home } from "./home.ts";
import { pageOf } from "./page.ts";

/** A repository's tags, page by page. @see distribution-spec v1.1.1, "Listing Tags" */
export async function answerTags(
  exchange: Exchange,
  home: Home,
  repository: string,
  maxPageSize: number,
): Promise<void> {
  if (exchange.method !== "GET") throw methodNotAllowed("GET");
  try {
    const all = home.reader(repository).tags({ signal: exchange.signal });
    const path = `/v2/${repository}/tags/list`;
    const page = await pageOf(exchange, all, { path, keyOf: itself, maxItems: maxPageSize });
    await exchange.sendJson(200, page.headers, { name: repository, tags: page.items });
  } catch (error) {
    if (isRegistryError(error, "NOT_FOUND")) throw new ApiError(404, "NAME_UNKNOWN", "no such repository");
    throw error;
  }
}

/** The repositories, page by page, as Docker's registry lists them; the root's own has no name here. */
export async function answerCatalog(exchange: Exchange, home: Home, maxPageSize: number): Promise<void> {
  if (exchange.method !== "GET") throw methodNotAllowed("GET");
  const all = home.registry.repositories({ signal: exchange.signal });
  const page = await pageOf(exchange, all, { path: "/v2/_catalog", keyOf: itself, maxItems: maxPageSize });
  await exchange.sendJson(200, page.headers, { repositories: page.items });
}

function itself(name: string): string {
  return name;
}
