import fc from "fast-check";
import { expect, test } from "vitest";
import { isDepsError } from "../errors.ts";
import type { DepsItem, FileTreeSink } from "../manifest.ts";
import { cachePaths } from "./cache-paths.ts";
import { parseComponentsManifest } from "./components-manifest.ts";
import { type PodplaneManifests, type PodplaneSelection, podplaneItems } from "./podplane-items.ts";
import { parseSeedsManifest } from "./seeds-manifest.ts";
import { parseTemplatesManifest } from "./templates-manifest.ts";
import { parseVmConfigManifest } from "./vmconfig-manifest.ts";

const sha = (digit: string) => `sha256:${digit.repeat(64)}`;
const paths = cachePaths("/c/deps");
const at = (digest: string) => `/c/deps/vmconfig/blobs/${digest.replace(":", "/")}`;

function vmConfig(arch: string, dependencies: object, more: object = {}) {
  const image = {
    version: "1",
    url: `https://e.org/d13-${arch}.qcow2`,
    digest: sha(arch === "amd64" ? "1" : "2"),
    size: 9,
  };
  const os = { name: "debian-13", arch, image };
  return parseVmConfigManifest(
    JSON.stringify({ vmconfig: { version: "1.8.0", kind: "knc", os, dependencies, ...more } }),
  );
}

const components = (images: readonly object[], more: object = {}) =>
  parseComponentsManifest(JSON.stringify({ components: { version: "2", images, ...more } }));
const templates = (charts: readonly object[], images: readonly object[] = []) =>
  parseTemplatesManifest(JSON.stringify({ templates: { version: "3", charts, images } }));
const seeds = (snapshots: object) => parseSeedsManifest(JSON.stringify({ seeds: { version: "4", snapshots } }));

function itemsOf(manifests: PodplaneManifests, selection: Partial<PodplaneSelection> = {}): readonly DepsItem[] {
  return podplaneItems(manifests, { archs: "amd64", ...selection }, paths);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isDepsError(error)) return error.code;
    throw error;
  }
  return "none";
}

function linksOf(items: readonly DepsItem[]) {
  const files = items.map(({ sink }) => sink).filter((sink): sink is FileTreeSink => sink.type === "file");
  return Object.fromEntries(files.flatMap(({ path, links }) => links.map((link) => [link, path])));
}

const kubelet = (arch: string, digit: string) => ({
  kubelet: {
    version: "1.33.1",
    url: `https://dl.k8s.io/v1.33.1/bin/linux/${arch}/kubelet`,
    digest: sha(digit),
    size: 7,
  },
});

test("equal names for two architectures are two files, and the link is the first manifest's", () => {
  const manifests = [vmConfig("amd64", kubelet("amd64", "a")), vmConfig("arm64", kubelet("arm64", "b"))];
  const found = itemsOf({ vmconfigs: manifests.map((manifest) => ({ manifest })) });
  const both = found.filter(({ labels }) => labels.name === "kubelet");
  expect(both.map(({ id, digest, selectors }) => [id, digest, selectors.arch])).toEqual([
    ["file/knc/amd64/kubelet", sha("a"), ["amd64"]],
    ["file/knc/arm64/kubelet", sha("b"), ["arm64"]],
  ]);
  expect(both.map(({ sink }) => sink)).toEqual([
    { type: "file", path: at(sha("a")), links: ["/c/deps/vmconfig/artifacts/kubelet/1.33.1/kubelet"] },
    { type: "file", path: at(sha("b")), links: [] },
  ]);
});

test("a file that two architectures share is one, from either server and with both links", () => {
  const file = (host: string, version: string) => ({
    cni: { version, url: `https://${host}/cni.tgz`, digest: sha("c").toUpperCase().replace("SHA", "sha"), size: 5 },
  });
  const manifests = [vmConfig("amd64", file("a.org", "1")), vmConfig("arm64", file("b.org", "2"))];
  const [one, ...more] = itemsOf({ vmconfigs: manifests.map((manifest) => ({ manifest })) }).filter(
    ({ digest }) => digest === sha("c"),
  );
  expect(more).toEqual([]);
  expect(one).toMatchObject({
    source: { type: "http", urls: ["https://a.org/cni.tgz", "https://b.org/cni.tgz"] },
    size: 5,
    selectors: { arch: ["amd64", "arm64"], kind: ["knc"], os: ["debian-13"] },
    sink: {
      path: at(sha("c")),
      links: ["/c/deps/vmconfig/artifacts/cni/1/cni.tgz", "/c/deps/vmconfig/artifacts/cni/2/cni.tgz"],
    },
  });
});

test("an image in several manifests is one, with all its tags", () => {
  const image = (name: string, more: object = {}) => ({ image: name, digest: sha("d"), size: 3, ...more });
  const manifest = vmConfig("amd64", {}, { images: [image("caddy:2")] });
  const found = itemsOf({
    vmconfigs: [{ manifest }],
    components: { manifest: components([image("docker.io/library/caddy:2.1", { component: "web" })]) },
    templates: { manifest: templates([], [image("caddy:2"), image("q.io/caddy:2"), image("docker.io/traefik:v3")]) },
  }).filter(({ source }) => source.type === "image");
  const store = { type: "repository-layout", root: "/c/registry" };
  expect(found.map(({ source, sink }) => [source, sink])).toEqual([
    [
      { type: "image", registry: "docker.io", repository: "library/caddy" },
      { ...store, repository: "mirror/docker.io/library/caddy", tags: ["2", "2.1"] },
    ],
    [
      { type: "image", registry: "q.io", repository: "caddy" },
      { ...store, repository: "mirror/q.io/caddy", tags: ["2"] },
    ],
    [
      { type: "image", registry: "docker.io", repository: "library/traefik" }, // as the registry calls it
      { ...store, repository: "mirror/docker.io/traefik", tags: ["v3"] }, // as it is written
    ],
  ]);
});

test("an image says its index when it is pinned by one, its platform, and whom it is for", () => {
  const image = `q.io/lb:v1@${sha("e")}`;
  const row = { image, digest: sha("f"), size: 3, platform: "linux/arm64/v8", providers: ["aws"], index: sha("9") };
  const manifest = components([{ ...row, addon: true, components: ["lb"] }]);
  const selection = { archs: "arm64", providers: "aws", addons: "lb" };
  expect(itemsOf({ components: { manifest } }, selection)).toEqual([
    {
      id: `image/q.io/lb:v1@${sha("f")}`,
      version: "v1",
      source: {
        type: "image",
        registry: "q.io",
        repository: "lb",
        index: sha("e"),
        platform: { os: "linux", architecture: "arm64", variant: "v8" },
      },
      digest: sha("f"),
      size: 3,
      selectors: { arch: ["arm64"], provider: ["aws"], addon: ["lb"] },
      sink: { type: "repository-layout", root: "/c/registry", repository: "mirror/q.io/lb", tags: ["v1"] },
      labels: { domain: "components", name: image },
    },
  ]);
  expect(itemsOf({ components: { manifest } }, { ...selection, addons: "other" })).toEqual([]);
});

test("charts, snapshots and the git repository have their places too", () => {
  const folder = "/src/manifests";
  const source = { url: "https://git.e.org/c.git", ref: { tag: "v2" } };
  const found = itemsOf({
    components: { manifest: components([], { source }) },
    templates: {
      manifest: templates([
        { name: "web", version: "1+k", type: "oci", url: `oci://ghcr.io/t/web`, digest: sha("1") },
        { name: "worker", version: "dev", type: "chart", path: "../worker" },
      ]),
      localFolder: folder,
    },
    seeds: { manifest: seeds({ b: { path: "../b.netsy" } }), localFolder: folder },
  });
  const charts = { type: "repository-layout", root: "/c/deps/templates/charts" };
  expect(found.map(({ id, source, sink }) => [id, source, sink])).toEqual([
    [
      "git/git.e.org/c.git",
      { type: "git", url: source.url, ref: { type: "tag", name: "v2" } },
      { type: "file", path: "/c/deps/git/git.e.org/c.git", links: [] },
    ],
    [
      "chart/web@1+k",
      {
        type: "artifact",
        registry: "ghcr.io",
        repository: "t/web",
        tag: "1_k",
        layerMediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
      },
      { ...charts, repository: "ghcr.io/t/web", tags: ["1_k"] },
    ],
    [
      "chart/worker@dev",
      { type: "chart", path: "/src/worker" },
      { ...charts, repository: "podplane.local/templates/worker", tags: ["dev"] },
    ],
    [
      "seed/b",
      { type: "file", path: "/src/b.netsy" },
      { type: "file", path: "/c/deps/seeds/snapshots/b/4/b.netsy", links: [] },
    ],
  ]);
  expect(found.map(({ digest }) => digest)).toEqual([undefined, sha("1"), undefined, undefined]);
  const without = { components: { manifest: components([], { source }) } };
  expect(itemsOf(without, { skipComponentsGit: true })).toEqual([]);
});

const stub = { vmconfig: { version: "dev", url: "", digest: "", size: 0 } };

test("a stub is passed over in a local manifest and refused in a fetched one", () => {
  const manifest = vmConfig("amd64", { ...stub, ...kubelet("amd64", "a") });
  const found = itemsOf({ vmconfigs: [{ manifest, localFolder: "/src" }] });
  expect(found.map(({ labels }) => labels.name)).toEqual(["os-image", "kubelet"]);
  expect(codeOf(() => itemsOf({ vmconfigs: [{ manifest }] }))).toBe("STUB_PUBLISHED");
});

const bad = { image: "q.io/a:1", digest: sha("a"), size: 0 };
const good = { image: "q.io/a:1", digest: sha("a"), size: 1 };

test.for([
  {
    name: "a local chart",
    code: "CHART_TYPE",
    manifests: { templates: { manifest: templates([{ name: "w", type: "chart", path: "/" }]) } },
  },
  {
    name: "a local snapshot",
    code: "SEED_SOURCE",
    manifests: { seeds: { manifest: seeds({ a: { path: "/etc/shadow" } }) } },
  },
  { name: "an image without size", code: "SIZE_MISSING", manifests: { components: { manifest: components([bad]) } } },
  {
    name: "such a one for another architecture",
    code: "none",
    manifests: { components: { manifest: components([{ ...bad, platform: "linux/arm64" }, good]) } },
  },
  {
    name: "a tag that is none",
    code: "REFERENCE_INVALID",
    manifests: { components: { manifest: components([{ ...good, image: "q.io/a:-x" }]) } },
  },
  {
    name: "an image pinned by what is no digest",
    code: "DIGEST_LENGTH",
    manifests: { components: { manifest: components([{ ...good, image: "q.io/a@sha256:x" }]) } },
  },
  {
    name: "a repository out of the store",
    code: "NAME_UNSAFE",
    manifests: { components: { manifest: components([{ ...good, image: "q.io/../../a" }]) } },
  },
  {
    name: "a file from the disk",
    code: "URL_INVALID",
    manifests: {
      vmconfigs: [{ manifest: vmConfig("amd64", { a: { url: "file:///etc/shadow", digest: sha("a"), size: 1 } }) }],
    },
  },
  {
    name: "a version out of the cache",
    code: "NAME_UNSAFE",
    manifests: {
      vmconfigs: [
        { manifest: vmConfig("amd64", { a: { version: "../..", url: "https://e.org/a", digest: sha("a"), size: 1 } }) },
      ],
    },
  },
  {
    name: "git sources without a ref",
    code: "GIT_SOURCE",
    manifests: { components: { manifest: components([], { source: { url: "https://e.org/c" } }) } },
  },
  { name: "nothing", code: "none", manifests: {} },
])("fetched manifests with $name: $code", ({ manifests, code }) => {
  expect(codeOf(() => itemsOf(manifests))).toBe(code);
});

test("whatever the rows are, items have ids and content of their own, and each path leads to one of them", () => {
  const digit = fc.constantFrom("a", "b", "c");
  const file = fc.record({ version: fc.constantFrom("", "1"), host: fc.constantFrom("x", "y"), digit });
  const files = fc.dictionary(fc.constantFrom("k", "l", "vmconfig"), file);
  const image = fc.record({
    image: fc.constantFrom("a", "a:1", "a:2", "docker.io/library/a:1", `q.io/a:1@${sha("a")}`, "q.io/a"),
    digit,
  });
  const property = fc.property(files, files, fc.array(image, { maxLength: 6 }), (one, other, rows) => {
    const machine = (arch: string, of: typeof one) => {
      const entries = Object.entries(of).map(([name, { version, host, digit }]) => [
        name,
        { version, url: `https://${host}.org/${name}`, digest: sha(digit), size: 1 },
      ]);
      return { manifest: vmConfig(arch, Object.fromEntries(entries)) };
    };
    const images = rows.map(({ image, digit }) => ({ image, digest: sha(digit), size: 1 }));
    const found = itemsOf({
      vmconfigs: [machine("amd64", one), machine("arm64", other)],
      components: { manifest: components(images) },
    });
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
    const files = found.filter(({ sink }) => sink.type === "file");
    expect(new Set(files.map(({ digest }) => digest)).size).toBe(files.length);
    const wanted = new Set([
      sha("1"),
      sha("2"),
      ...[...Object.values(one), ...Object.values(other)].map(({ digit }) => sha(digit)),
    ]);
    expect(new Set(files.map(({ digest }) => digest))).toEqual(wanted);
    // What the first manifest calls by name is found by name; what only the second does, too.
    const links = linksOf(found);
    const linkOf = (name: string, { version }: { version: string }) =>
      ["/c/deps/vmconfig/artifacts", name, version, name].filter(Boolean).join("/");
    for (const [name, file] of Object.entries(one)) expect(links[linkOf(name, file)]).toBe(at(sha(file.digit)));
    for (const [name, file] of Object.entries(other)) expect(links[linkOf(name, file)]).toBeDefined();
  });
  fc.assert(property, { numRuns: 150 });
});
