import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Page, pageOf } from "./page.ts";

const path = "/v2/app/tags/list";

async function* listed(items: readonly string[]): AsyncGenerator<string> {
  yield* items;
}

const asking = (query: string) => ({ query: new URLSearchParams(query) });

/** All pages of a list, one after another, as their links lead. */
async function allPages(items: readonly string[], n: number, keyOf: (item: string) => string = (item) => item) {
  const pages: (readonly string[])[] = [];
  for (let query: string | undefined = `n=${n}`; query !== undefined; ) {
    const page: Page<string> = await pageOf(asking(query), listed(items), { path, keyOf, maxItems: 1000 });
    pages.push(page.items);
    query = /\?(.*)>/.exec(String(page.headers.link ?? ""))?.[1];
  }
  return pages;
}

test("the pages of a list in any order are all of it, sorted, each full but the last", async () => {
  const names = fc.uniqueArray(fc.string({ unit: fc.constantFrom(..."ab1"), minLength: 1, maxLength: 6 }), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(names, fc.integer({ min: 1, max: 9 }), async (items, n) => {
      const pages = await allPages(items, n);
      expect(pages.flat()).toEqual(items.toSorted());
      expect(pages.slice(0, -1).every((page) => page.length === n)).toBe(true);
    }),
  );
});

test.for(["sorted", "turned round", "mixed"])(
  "a page of a long list that is %s costs a few looks at each item",
  async (order) => {
    const count = 20_000;
    const sorted = Array.from({ length: count }, (_, at) => String(at).padStart(6, "0"));
    const turned = order === "turned round" ? sorted.toReversed() : sorted;
    const items = order === "mixed" ? turned.toSorted((a, b) => (a[5] ?? "").localeCompare(b[5] ?? "")) : turned;
    let looks = 0;
    const keyOf = (item: string) => {
      looks += 1;
      return item;
    };
    const page = await pageOf(asking("n=100"), listed(items), { path, keyOf, maxItems: 1000 });
    expect(page.items).toEqual(sorted.slice(0, 100));
    expect(looks).toBeLessThan(order === "turned round" ? 20 * count : 3 * count);
  },
);
