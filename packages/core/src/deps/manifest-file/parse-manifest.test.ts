import { readFileSync } from "node:fs";
import { digestOf } from "@tranship/registry";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { type DepsError, isDepsError } from "../errors.ts";
import { parseSelection } from "../selectors.ts";
import { depsItems } from "./deps-items.ts";
import { depsPaths } from "./deps-paths.ts";
import { parseDepsManifest } from "./parse-manifest.ts";

const paths = depsPaths("/cache");
const [one, two, three] = ["one", "two", "three"].map((text) => digestOf(Buffer.from(text)));
const hexOf = (digest = "") => digest.slice("sha256:".length);

function manifestOf(...items: readonly object[]): string {
  return JSON.stringify({ tranship: "deps/v1", name: "platform", version: "1.2.0", items });
}

function itemsOf(items: readonly object[], localFolder?: string) {
  return parseDepsManifest(manifestOf(...items), { paths, localFolder }).items;
}

const published = z.fromJSONSchema(
  JSON.parse(readFileSync(new URL("../../../schema/deps-manifest.schema.json", import.meta.url), "utf8")),
);

test("files are kept by their digests, with a link where they are looked for", () => {
  const runc = {
    id: "runc",
    version: "1.4.2",
    url: "https://dl.example.org/v1.4.2/runc%20x?sig=1",
    digest: one,
    size: 3,
  };
  const helm = { id: "tools/helm", urls: ["https://a.example.org/helm.tgz", "http://b.example.org/h"], digest: two };
  const items = itemsOf([runc, { ...helm, to: "bin/helm.tgz", for: { arch: ["AMD64"], provider: "aws" } }]);
  expect(items).toEqual([
    {
      id: "runc",
      version: "1.4.2",
      source: { type: "http", urls: [runc.url] },
      digest: one,
      size: 3,
      selectors: {},
      sink: { type: "file", path: `/cache/blobs/sha256/${hexOf(one)}`, links: ["/cache/files/runc/runc x"] },
      labels: { name: "runc" },
    },
    {
      id: "tools/helm",
      version: "",
      source: { type: "http", urls: helm.urls },
      digest: two,
      selectors: { arch: ["amd64"], provider: ["aws"] },
      sink: { type: "file", path: `/cache/blobs/sha256/${hexOf(two)}`, links: ["/cache/files/bin/helm.tgz"] },
      labels: { name: "tools/helm" },
    },
  ]);
});

test("local files, folders of charts, content in the manifest and what nothing pins", () => {
  const items = itemsOf(
    [
      { id: "config", file: "../etc/config.toml", digest: one },
      { id: "web", chart: "charts/web", version: "1.0.0+a" },
      { id: "plain", chart: "charts/plain" },
      { id: "text", inline: "three" },
      { id: "bytes", inline: { base64: "dHdv" }, to: "two" },
      { id: "latest", url: "https://example.org/latest.txt", unpinned: true },
    ],
    "/manifests/here",
  );
  expect(items.map(({ source, digest, sink }) => [source, digest, sink])).toMatchObject([
    [{ type: "file", path: "/manifests/etc/config.toml" }, one, { links: ["/cache/files/config/config.toml"] }],
    [
      { type: "chart", path: "/manifests/here/charts/web" },
      undefined,
      { type: "repository-layout", root: "/cache/charts", repository: "local/web", tags: ["1.0.0_a"] },
    ],
    [{ type: "chart", path: "/manifests/here/charts/plain" }, undefined, { tags: ["latest"] }],
    [{ type: "inline", bytes: Uint8Array.from(Buffer.from("three")) }, three, { links: ["/cache/files/text/text"] }],
    [{ type: "inline", bytes: Uint8Array.from(Buffer.from("two")) }, two, { links: ["/cache/files/two"] }],
    [{ type: "http" }, undefined, { path: "/cache/files/latest/latest.txt", links: [] }],
  ]);
});

test("images, artifacts and charts are kept by registry and repository; repositories of git by host and path", () => {
  const items = itemsOf([
    { id: "lb", image: `quay.io/acme/lb:v1@${one}` },
    { id: "caddy", image: "docker.io/caddy:2", digest: one, tags: ["2", "stable"] },
    { id: "moving", image: "docker.io/caddy:latest", unpinned: true },
    { id: "policy", artifact: `ghcr.io/acme/policy@${two}`, layerMediaType: "application/vnd.acme" },
    { id: "web", chart: "oci://ghcr.io/acme/charts/web", version: "1.0.0+a", digest: three },
    { id: "source", git: { url: "https://example.org/acme/source.git", tag: "v1" } },
  ]);
  expect(items.map(({ source, digest, sink }) => [source, digest, sink])).toEqual([
    [{ type: "image", registry: "quay.io", repository: "acme/lb" }, one, layout("registry", "quay.io/acme/lb", "v1")],
    [
      { type: "image", registry: "docker.io", repository: "library/caddy" },
      one,
      layout("registry", "docker.io/caddy", "2", "stable"),
    ],
    [
      { type: "artifact", registry: "docker.io", repository: "library/caddy", tag: "latest" },
      undefined,
      layout("registry", "docker.io/caddy", "latest"),
    ],
    [
      { type: "artifact", registry: "ghcr.io", repository: "acme/policy", layerMediaType: "application/vnd.acme" },
      two,
      layout("registry", "ghcr.io/acme/policy"),
    ],
    [
      {
        type: "artifact",
        registry: "ghcr.io",
        repository: "acme/charts/web",
        tag: "1.0.0_a",
        layerMediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
      },
      three,
      layout("charts", "ghcr.io/acme/charts/web", "1.0.0_a"),
    ],
    [
      { type: "git", url: "https://example.org/acme/source.git", ref: { type: "tag", name: "v1" } },
      undefined,
      { type: "file", path: "/cache/git/example.org/acme/source.git", links: [] },
    ],
  ]);
});

function layout(root: string, repository: string, ...tags: readonly string[]) {
  return { type: "repository-layout", root: `/cache/${root}`, repository, tags };
}

test("an image for several platforms is an item for each, of the architecture that is wanted", () => {
  const platforms = { "linux/amd64": one, "linux/arm64/v8": two };
  const manifest = parseDepsManifest(manifestOf({ id: "lb", image: `quay.io/acme/lb:v1@${three}`, platforms }), {
    paths,
  });
  expect(depsItems(manifest).map(({ id, digest, source }) => [id, digest, source])).toEqual([
    [
      "lb/linux/amd64",
      one,
      expect.objectContaining({ index: three, platform: { os: "linux", architecture: "amd64" } }),
    ],
    ["lb/linux/arm64/v8", two, expect.objectContaining({ index: three })],
  ]);
  expect(depsItems(manifest, parseSelection(["arch=arm64"])).map(({ digest }) => digest)).toEqual([two]);
});

test("what is wanted is chosen by axis, and equal content is one item", () => {
  const items = [
    { id: "a", inline: "one", for: { arch: "amd64" }, to: "bin/tool" },
    { id: "b", inline: "two", for: { arch: "arm64" }, to: "bin/tool" },
    { id: "c", inline: "one", to: "copy" },
  ];
  const manifest = parseDepsManifest(manifestOf(...items), { paths });
  const ids = (...choice: readonly string[]) => depsItems(manifest, parseSelection(choice)).map(({ id }) => id);
  expect([ids(), ids("arch=arm64"), ids("arch=amd64")]).toEqual([["a", "b"], ["b", "c"], ["a"]]);
});

test("what could not be found by its name is refused: different content that is for the same", () => {
  const conflict = expect.objectContaining({
    code: "PATH_CONFLICT",
    details: expect.objectContaining({ items: ["a", "b"] }),
  });
  const first = { id: "a", inline: "one", to: "bin/tool" };
  for (const other of [
    { id: "b", inline: "two", to: "bin/tool" },
    { id: "b", inline: "two", to: "bin/Tool", for: { arch: "arm64" } },
    { id: "b", inline: "two", to: "bin/tool/x" },
  ])
    expect(() => depsItems(parseDepsManifest(manifestOf(first, other), { paths }))).toThrow(conflict);
  const moving = (id: string) => ({ id, url: `https://example.org/${id}`, unpinned: true, to: "t", for: { arch: id } });
  expect(() => depsItems(parseDepsManifest(manifestOf(moving("a"), moving("b")), { paths }))).toThrow(conflict);
  const git = (id: string, tag: string) => ({ id, git: { url: "https://example.org/a", tag } });
  const refs = depsItems(parseDepsManifest(manifestOf(git("a", "v1"), git("b", "v2"), git("c", "v2")), { paths }));
  expect(refs.map(({ id }) => id)).toEqual(["a", "b"]);
});

describe("what it refuses, with the key at fault", () => {
  const file = { id: "a", url: "https://example.org/a", digest: one };
  const faults: readonly (readonly [string, object, string, RegExp])[] = [
    ["no source", { id: "a" }, "items[0]", /no source/],
    ["two sources", { ...file, inline: "a" }, "items[0].inline", /url beside it/],
    ["no id", { inline: "a" }, "items[0].id", /missing/],
    ["a key that is none", { ...file, Digest: "a" }, "items[0].Digest", /no such key/],
    ["a version that is a number", { ...file, version: 1.3 }, "items[0].version", /text/],
    ["a size of nothing", { ...file, size: 0 }, "items[0].size", /above 0/],
    ["a size that is a fraction", { ...file, size: 1.5 }, "items[0].size", /whole number/],
    ["an axis that is none", { ...file, for: { "a b": "c" } }, 'items[0].for["a b"]', /axis/],
    ["an empty axis", { ...file, for: { arch: [] } }, "items[0].for.arch", /neither|empty/],
    ["tags of a file", { ...file, tags: ["v1"] }, "items[0].tags", /does not go with url/],
    ["a place of an image", { id: "a", image: `b.example/c@${one}`, to: "d" }, "items[0].to", /does not go with image/],
    [
      "a digest of a repository of git",
      { id: "a", git: { url: "https://e.org/a" }, digest: one },
      "items[0].digest",
      /git/,
    ],
    ["both a digest and none", { ...file, unpinned: true }, "items[0].unpinned", /there is a digest/],
    ["a local file", { id: "a", file: "/etc/passwd", digest: one }, "items[0].file", /local/],
    ["a local folder", { id: "a", chart: "/etc" }, "items[0].chart", /local/],
    ["an image without host", { id: "a", image: `caddy@${one}` }, "items[0].image", /such as/],
    [
      "another digest than the name's",
      { id: "a", image: `b.example/c@${one}`, digest: two },
      "items[0].digest",
      /another/,
    ],
    ["a tag that is none", { id: "a", image: `b.example/c@${one}`, tags: ["a b"] }, "items[0].tags", /no tag/],
    ["an image by nothing", { id: "a", image: "b.example/c", unpinned: true }, "items[0].digest", /tag is needed/],
    [
      "a platform that is none",
      { id: "a", image: "b.example/c:v", platforms: { "a/../b": one } },
      "items[0].platforms",
      /../,
    ],
    ["no platforms", { id: "a", image: "b.example/c:v", platforms: {} }, "items[0].platforms", /empty/],
    ["a git key that is none", { id: "a", git: { url: "https://e.org/a", head: "b" } }, "items[0].git.head", /no such/],
    ["bytes that are no Base64", { id: "a", inline: { base64: "%" } }, "items[0].inline.base64", /./],
  ];
  test.for(faults)("%s", ([, item, path, reason]) => {
    const error = errorOf(manifestOf(item));
    expect(error.details).toMatchObject({ path, reason: expect.stringMatching(reason) });
    expect(error.code).toBe("MANIFEST_PARSE");
  });

  const codes: readonly (readonly [string, object, string])[] = [
    ["a file without digest", { id: "a", url: "https://example.org/a" }, "DIGEST_MISSING"],
    ["an image without digest", { id: "a", image: "b.example/c:v" }, "DIGEST_MISSING"],
    ["a digest that is none", { ...file, digest: "sha256:abc" }, "DIGEST_LENGTH"],
    ["a weak digest", { ...file, digest: "md5:d41d8cd98f00b204e9800998ecf8427e" }, "DIGEST_ALGORITHM"],
    ["an address of files", { ...file, url: "file:///etc/passwd" }, "URL_INVALID"],
    ["an id that leaves its folder", { ...file, id: "../a" }, "NAME_UNSAFE"],
    ["a path that leaves its folder", { ...file, to: "a/../../b" }, "NAME_UNSAFE"],
    ["a path of its own", { ...file, to: "/etc/passwd" }, "NAME_UNSAFE"],
    ["a file name of a step", { ...file, url: "https://example.org/a/%2e%2e%2f..", to: undefined }, "NAME_UNSAFE"],
    ["a repository in a layout", { id: "a", image: `b.example/blobs/c@${one}` }, "NAME_UNSAFE"],
    ["a program in place of a repository", { id: "a", git: { url: "ext::sh -c x", tag: "v" } }, "GIT_SOURCE"],
    ["two refs", { id: "a", git: { url: "https://e.org/a", tag: "v", branch: "b" } }, "GIT_SOURCE"],
  ];
  test.for(codes)("%s", ([, item, code]) => {
    expect(errorOf(manifestOf(item)).code).toBe(code);
  });

  test.for([
    ["no JSON", "tranship: deps/v1", ""],
    ["a list", "[]", ""],
    ["another format", '{"vmconfig":{}}', "tranship"],
    ["a later format", '{"tranship":"deps/v2"}', "tranship"],
    ["no items", '{"tranship":"deps/v1","name":"a","version":"1"}', "items"],
    ["an id twice", manifestOf({ id: "a", inline: "a" }, { id: "a", inline: "b" }), "items"],
  ])("%s", ([, text = "", path]) => {
    expect(errorOf(text)).toMatchObject({ code: "MANIFEST_PARSE", details: { path } });
  });
});

test("the published schema takes what is read, and refuses other keys and formats", () => {
  const item = { id: "a", git: { url: "https://e.org/a", tag: "v" }, for: { arch: "arm64" } };
  const whole = JSON.parse(manifestOf(item, { id: "b", inline: { base64: "YQ==" }, to: "b" }));
  const values = [
    whole,
    { ...whole, later: 1 },
    { ...whole, tranship: "deps/v2" },
    { ...whole, items: [{ ...item, x: 1 }] },
  ];
  expect(values.map((value) => published.safeParse(value).success)).toEqual([true, false, false, false]);
});

function errorOf(text: string): DepsError {
  try {
    parseDepsManifest(text, { paths });
  } catch (error) {
    if (isDepsError(error)) return error;
    throw error;
  }
  throw new Error("it was taken");
}
