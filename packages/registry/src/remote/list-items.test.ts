import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { expectCode, listOf } from "../testing/contract-support.ts";
import { createClient } from "./create-client.ts";
import { type ListRequest, listItems } from "./list-items.ts";

interface Page {
  readonly items: readonly string[];
  readonly link?: string | readonly string[];
}

/** A list that answers each query with what `pageOf` makes of it. */
async function aList(pageOf: (query: URLSearchParams) => Page) {
  const queries: string[] = [];
  const server = createServer((request, response) => {
    const { search, searchParams } = new URL(request.url ?? "", "http://list");
    queries.push(search);
    const { items, link } = pageOf(searchParams);
    response.writeHead(200, link === undefined ? {} : { link: [link].flat() }).end(JSON.stringify(items));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = createClient(`127.0.0.1:${(server.address() as AddressInfo).port}`, {});
  const operation = { registry: "r", reference: "r", what: "list" };
  return {
    queries,
    origin: client.origin.origin,
    items: (limits: Pick<ListRequest, "maxListBytes" | "maxPages"> = {}) =>
      listItems(client, {
        ...limits,
        url: new URL("/list", client.origin),
        pageSize: 2,
        itemsOf: ({ body }) => JSON.parse(new TextDecoder().decode(body)) as string[],
        operation,
        scopes: [],
      }),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      server.close();
    },
  };
}

const all = ["a", "b", "c", "d"];
const after = (last: string | null) => all.filter((item) => last === null || item > last);

test("asks for what comes after a full page, where the registry forgets the link", async () => {
  await using list = await aList((query) => ({ items: after(query.get("last")).slice(0, 2) }));
  expect(await listOf(list.items())).toEqual(all);
  expect(list.queries).toEqual(["?n=2", "?n=2&last=b", "?n=2&last=d"]);
});

test("asks no more after a page that is not full", async () => {
  await using list = await aList((query) => ({ items: after(query.get("last")).slice(0, query.has("last") ? 1 : 2) }));
  expect(await listOf(list.items())).toEqual(["a", "b", "c"]);
  expect(list.queries).toHaveLength(2);
});

test("asks no more when the page is larger than it wished", async () => {
  await using list = await aList(() => ({ items: all }));
  expect(await listOf(list.items())).toEqual(all);
  expect(list.queries).toEqual(["?n=2"]);
});

test("gives no item twice where the registry does not know what comes after", async () => {
  await using list = await aList(() => ({ items: ["a", "b"] }));
  expect(await listOf(list.items())).toEqual(["a", "b"]);
  expect(list.queries).toEqual(["?n=2", "?n=2&last=b"]);
});

test("gives no item twice where pages overlap", async () => {
  await using list = await aList((query) => {
    const last = query.get("last");
    return { items: all.filter((item) => last === null || item >= last).slice(0, 2) };
  });
  expect(await listOf(list.items())).toEqual(all);
});

test("goes by the link as long as there is one", async () => {
  await using list = await aList((query) =>
    query.has("page") ? { items: ["c"] } : { items: ["a", "b"], link: '</list?page=2>; rel="next"' },
  );
  expect(await listOf(list.items())).toEqual(["a", "b", "c"]);
  expect(list.queries).toEqual(["?n=2", "?page=2"]);
});

test("ends with the last link, though that page was full and the registry knows nothing but links", async () => {
  await using list = await aList((query) =>
    query.has("page") ? { items: ["c", "d"] } : { items: ["a", "b"], link: '</list?page=2>; rel="next"' },
  );
  expect(await listOf(list.items())).toEqual(all);
  expect(list.queries).toEqual(["?n=2", "?page=2", "?n=2&last=d"]);
});

test("is not led in a circle by pages that take turns", async () => {
  await using list = await aList((query) => ({ items: query.get("last") === "b" ? ["c", "b"] : ["a", "b"] }));
  await expectCode(listOf(list.items()), "PROTOCOL");
  expect(list.queries).toHaveLength(2);
});

test.for(["/list?page=2; rel=next", '"</list?page=2>"; rel="next"'])(
  "does not end at a link to a next page that cannot be read: %s",
  async (link) => {
    await using list = await aList(() => ({ items: ["a"], link }));
    await expectCode(listOf(list.items()), "PROTOCOL");
  },
);

test("follows no link to another host", async () => {
  await using other = await aList(() => ({ items: ["not ours"] }));
  await using list = await aList(() => ({ items: ["a", "b"], link: `<${other.origin}/list?last=b>; rel="next"` }));
  await expectCode(listOf(list.items()), "PROTOCOL");
  expect([list.queries.length, other.queries.length]).toEqual([1, 0]);
});

test("finds the next page among other links, in one header or in several", async () => {
  await using list = await aList((query) => {
    const items = after(query.get("last")).slice(0, 1);
    const next = items[0] && items[0] !== "d" ? [`</list?last=${items[0]}>; rel="next"`] : [];
    return { items, link: ["</style.css>; rel=preload", ...next] };
  });
  expect(await listOf(list.items())).toEqual(all);
});

test.for([
  { name: "whatever there is on its pages", size: 400, limits: { maxListBytes: 2000 } },
  { name: "though there is next to nothing on its pages", size: 1, limits: { maxPages: 5 } },
])("is not read on without end, $name", async ({ size, limits }) => {
  await using list = await aList((query) => {
    const page = Number(query.get("page") ?? 0);
    return { items: [`${page}`.padEnd(size)], link: `</list?page=${page + 1}>; rel="next"` };
  });
  await expectCode(listOf(list.items(limits)), "PROTOCOL");
  expect(list.queries).toHaveLength(5);
});
