import { digestOf } from "@tranship/registry";
import { expect, test } from "vitest";
import { isDepsError } from "./errors.ts";
import type { DepsItem, DepsSink } from "./manifest.ts";
import { mergeItems } from "./merge-items.ts";
import { planOf } from "./plan.ts";

const digest = digestOf(Buffer.from("a"));
const other = digestOf(Buffer.from("b"));

function anItem(id: string, sink: DepsSink, more: Partial<DepsItem> = {}): DepsItem {
  const source = { type: "inline", bytes: new Uint8Array() } as const;
  return { id, version: "1", source, digest, selectors: {}, sink, labels: { name: id }, ...more };
}

const file = (path: string, ...links: readonly string[]): DepsSink => ({ type: "file", path, links });

test.for([
  {
    name: "one layout",
    sinks: [
      { type: "layout", path: "/l", names: ["a"] },
      { type: "layout", path: "/l", names: ["b", "a"] },
    ],
    merged: [{ type: "layout", path: "/l", names: ["a", "b"] }],
  },
  {
    name: "one repository",
    sinks: [
      { type: "push", registry: "r", repository: "a", tags: ["1"] },
      { type: "push", registry: "r", repository: "a", tags: ["2"] },
      { type: "push", registry: "r", repository: "b", tags: ["1"] },
    ],
    merged: [
      { type: "push", registry: "r", repository: "a", tags: ["1", "2"] },
      { type: "push", registry: "r", repository: "b", tags: ["1"] },
    ],
  },
  {
    name: "one file",
    sinks: [file("/a", "/x"), file("/b", "/y", "/a")],
    merged: [file("/a", "/x", "/b", "/y")],
  },
] as readonly { name: string; sinks: readonly DepsSink[]; merged: readonly DepsSink[] }[])(
  "the same content goes to $name once",
  ({ sinks, merged }) => {
    expect(mergeItems(sinks.map((sink, at) => anItem(`i${at}`, sink))).map(({ sink }) => sink)).toEqual(merged);
  },
);

test("what is shared is for whom either was, and keeps what the first says of it", () => {
  const [one] = mergeItems([
    anItem("a", file("/a"), { selectors: { arch: ["amd64"], provider: ["aws"] } }),
    anItem("b", file("/a"), { selectors: { arch: ["arm64"] }, size: 4, labels: { name: "b", type: "deb" } }),
  ]);
  expect(one).toMatchObject({
    id: "a",
    size: 4,
    selectors: { arch: ["amd64", "arm64"] },
    labels: { name: "a", type: "deb" },
  });
  expect(one?.selectors).not.toHaveProperty("provider");
});

test("different content cannot be one file, and a link never hides a file", () => {
  expect(mergeItems([anItem("a", file("/a", "/b")), anItem("b", file("/b", "/a"), { digest: other })])).toMatchObject([
    { sink: { path: "/a", links: [] } },
    { sink: { path: "/b", links: [] } },
  ]);
  try {
    mergeItems([anItem("a", file("/a")), anItem("b", file("/a"), { digest: other })]);
    expect.unreachable();
  } catch (error) {
    expect(isDepsError(error, "PATH_CONFLICT") && error.details).toEqual({ path: "/a", items: ["a", "b"] });
  }
});

test("no file lies below another, and no link below a file or a link", () => {
  const found = mergeItems([
    anItem("a", file("/c/a", "/l/k/1")),
    anItem("b", file("/c/b", "/l/k/1/k", "/l/k", "/c/a/x", "/l/m"), { digest: other }),
  ]);
  expect(found.map(({ sink }) => sink)).toEqual([file("/c/a", "/l/k/1"), file("/c/b", "/l/m")]);
  for (const paths of [
    ["/git/a", "/git/a/b"],
    ["/git/a/b", "/git/a"],
  ])
    expect(() => mergeItems(paths.map((path) => anItem(path, file(path), { digest: undefined })))).toThrow(
      expect.objectContaining({ code: "PATH_CONFLICT" }),
    );
  const one = mergeItems([anItem("a", file("/l/k", "/l/k/1", "/m"))]);
  expect(one.map(({ sink }) => sink)).toEqual([file("/l/k", "/m")]);
});

test("items nothing says the content of are one where they go to the same place and tag", () => {
  const layout = (tag: string): DepsSink => ({ type: "repository-layout", root: "/c", repository: "web", tags: [tag] });
  const unpinned = { digest: undefined };
  const found = mergeItems([layout("1"), layout("1"), layout("2")].map((sink, at) => anItem(`i${at}`, sink, unpinned)));
  expect(found.map(({ id }) => id)).toEqual(["i0", "i2"]);
});

test("a plan counts what is there and what is to be fetched", () => {
  const plan = planOf([
    { item: anItem("a", file("/a"), { size: 5 }), presence: "present" },
    { item: anItem("b", file("/b"), { size: 7 }), presence: "absent" },
    { item: anItem("c", file("/c"), { size: 9 }), presence: "differs" },
    { item: anItem("d", file("/d")), presence: "unpinned" },
  ]);
  expect(plan).toMatchObject({ present: 1, missing: 3, totalBytes: 21, missingBytes: 16, unknownSizes: 1 });
});
