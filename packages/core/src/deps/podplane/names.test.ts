import { posix } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isDepsError } from "../errors.ts";
import { exactSemverTags } from "../git/semver-tags.ts";
import { cachePaths } from "./cache-paths.ts";
import { chartReference, chartRepository, requireChart } from "./charts.ts";
import { parseArchs, secretProviders } from "./choices.ts";
import { gitRefOf, gitRepositoryPath } from "./git-source.ts";
import {
  chartTag,
  mirroredImageRef,
  registryHost,
  resolvedImageRef,
  splitImageName,
  storeRepository,
} from "./image-names.ts";
import { contentUrl, filename, localFilename, resolveUrl } from "./items.ts";
import { manifestUrls, vmConfigFile } from "./manifest-urls.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isDepsError(error)) return error.code;
    throw error;
  }
  return "none";
}

test.for([
  { image: "coredns/coredns:1", repository: "mirror/docker.io/coredns/coredns", host: "docker.io" },
  { image: "caddy:latest", repository: "mirror/docker.io/library/caddy", host: "docker.io" },
  { image: "docker.io/traefik:v3", repository: "mirror/docker.io/traefik", host: "docker.io" },
  { image: "localhost:5000/e/app:t", repository: "mirror/localhost:5000/e/app", host: "localhost:5000" },
  { image: "localhost/app", repository: "mirror/localhost/app", host: "localhost" },
  { image: "q.io/a@sha256:abc", repository: "mirror/q.io/a", host: "q.io" },
])("image $image is kept at $repository, and is of $host", ({ image, repository, host }) => {
  expect(storeRepository(image, "mirror")).toBe(repository);
  expect(storeRepository(image, " /mirror/ ")).toBe(repository);
  expect(storeRepository(image, "")).toBe(repository.replace("mirror/", ""));
  expect(registryHost(image)).toBe(host);
});

test.for([
  ["caddy:latest", "zot.local/mirror/docker.io/library/caddy:latest"],
  ["q.io/c/c:v1@sha256:def", "zot.local/mirror/q.io/c/c:v1@sha256:def"],
  ["q.io/c/c", "zot.local/mirror/q.io/c/c"],
] as const)("image %s is served as %s", ([image, served]) => {
  expect(mirroredImageRef("zot.local", "mirror", image)).toBe(served);
});

test("a reference is split at its first @ and at the colon after its last slash", () => {
  expect(splitImageName("h:5000/a/b:t@sha256:x@y")).toEqual({ name: "h:5000/a/b", tag: "t", digest: "sha256:x@y" });
  expect(splitImageName("h:5000/a")).toEqual({ name: "h:5000/a", tag: "", digest: "" });
  expect(resolvedImageRef("repo:tag", "sha256:x")).toBe("repo@sha256:x");
  expect(chartTag("1.2.3+k1+k2")).toBe("1.2.3_k1_k2");
});

test.for([
  ["", "REFERENCE_INVALID"],
  [":tag", "REFERENCE_INVALID"],
  ["q.io/../../etc", "NAME_UNSAFE"],
  ["../x/a", "NAME_UNSAFE"],
  ["q.io//a", "NAME_UNSAFE"],
  ["/etc/passwd", "NAME_UNSAFE"],
  ["q.io/a\\..\\b", "NAME_UNSAFE"],
  ["q.io/lb/blobs/sha256/a", "NAME_UNSAFE"],
  ["q.io/lb/Index.JSON", "NAME_UNSAFE"],
] as const)("image %j has no place in the store: %s", ([image, code]) => {
  expect(codeOf(() => storeRepository(image, "mirror"))).toBe(code);
});

test.for([
  ["https://e.org/a/f.tgz", "f.tgz"],
  ["https://e.org/a/f.tgz?sig=1", "f.tgz?sig=1"],
  ["https://e.org/a/f//", "f"],
  ["f", "f"],
  ["", "."],
  ["//", "/"],
] as const)("the file of %j is %j", ([url, file]) => {
  expect(filename(url)).toBe(file);
});

test.for([
  ["deb", "runc.deb"],
  ["tar.gz", "runc.tar.gz"],
  ["binary", "runc"],
  ["qcow2", "runc"],
  ["", "runc"],
] as const)("a file of type %j is called %s on its machine", ([type, file]) => {
  expect(localFilename({ name: "runc", type })).toBe(file);
});

const runc = { name: "runc", version: "1.4.2", url: "https://dl.example.org/runc/v1.4.2/runc.arm64" };

test.for([
  { item: runc, base: "", resolved: runc.url },
  {
    item: runc,
    base: "http://10.0.2.2:1234/deps",
    resolved: "http://10.0.2.2:1234/deps/vmconfig/artifacts/runc/1.4.2/runc.arm64",
  },
  { item: runc, base: "http://h/deps/", resolved: "http://h/deps/vmconfig/artifacts/runc/1.4.2/runc.arm64" },
  { item: { ...runc, version: "" }, base: "http://h", resolved: "http://h/vmconfig/artifacts/runc/runc.arm64" },
  {
    item: { name: "k", version: "1.3+k3s1", url: "https://e.org/k?sig=a#b%20" },
    base: "http://h",
    resolved: "http://h/vmconfig/artifacts/k/1.3%2Bk3s1/k%3Fsig%3Da%23b%2520",
  },
])("$item.name $item.version is fetched from $resolved", ({ item, base, resolved }) => {
  expect(resolveUrl(item, base)).toBe(resolved);
});

test("a file that shares its name with one for another architecture is fetched by its digest", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  expect(contentUrl({ name: "kubelet", digest }, "http://h/deps/")).toBe(
    `http://h/deps/vmconfig/blobs/sha256/${"a".repeat(64)}`,
  );
});

test("manifests are published below the base, by kind and architecture", () => {
  const urls = manifestUrls("https://deps.podplane.dev/");
  expect(urls.vmconfig("knc", "arm64")).toBe("https://deps.podplane.dev/manifests/vmconfig_knc_debian-13_arm64.json");
  expect([urls.components, urls.templates, urls.seeds].map((url) => url.slice(26))).toEqual([
    "manifests/components.json",
    "manifests/templates.json",
    "manifests/seeds.json",
  ]);
  expect(vmConfigFile("knc", "amd64")).toBe("vmconfig_knc_debian-13_amd64.json");
  expect(codeOf(() => urls.vmconfig("../knc", "arm64"))).toBe("NAME_UNSAFE");
});

const now = () => new Date("2026-07-24T10:15:00.999Z");
const digest = `sha256:${"a".repeat(64)}` as Parameters<ReturnType<typeof cachePaths>["vmConfigContent"]>[0];

test("everything has its place in the cache", () => {
  const paths = cachePaths("/cache/deps", { now });
  const manifest = '{"seeds":{}}\n';
  const stamp = "20260724T101500Z";
  const places = {
    vmconfig: paths.vmConfigManifest("knc", "arm64").latest,
    vmconfigHistory: paths.vmConfigManifest("knc", "arm64").history(manifest),
    components: paths.componentsManifest.latest,
    componentsHistory: paths.componentsManifest.history(manifest),
    templates: paths.templatesManifest.latest,
    templatesHistory: paths.templatesManifest.history(Buffer.from(manifest)),
    seeds: paths.seedsManifest.latest,
    seedsHistory: paths.seedsManifest.history(manifest),
    content: paths.vmConfigContent(digest),
    artifact: paths.vmConfigArtifact(runc),
    unversioned: paths.vmConfigArtifact({ ...runc, version: "" }),
    chart: paths.templateChart({ name: "web", url: "oci://ghcr.io/acme/templates/web:1@sha256:a" }),
    ownChart: paths.templateChart({ name: "worker", url: "" }),
    snapshot: paths.seedSnapshot("minimal", "2.3.0-1", { path: "../m.netsy", url: "" }),
    fetched: paths.seedSnapshot("full", "2.3.0-1", { path: "", url: "https://e.org/v/full.netsy?sig=/x" }),
    unnamed: paths.seedSnapshot("full", "", { path: "", url: "https://e.org/" }),
    git: paths.gitRepository("https://git.example.org/acme/components.git"),
    images: paths.componentsImages,
    image: paths.imageRepository("quay.io/acme/lb:v1", "mirror"),
  };
  const hash = "f3d0fa54edd7";
  expect(places).toEqual({
    vmconfig: "/cache/deps/vmconfig/manifests/vmconfig_knc_debian-13_arm64.json",
    vmconfigHistory: `/cache/deps/vmconfig/manifests/vmconfig_knc_debian-13_arm64_${stamp}_${hash}.json`,
    components: "/cache/deps/components/manifests/components.json",
    componentsHistory: `/cache/deps/components/manifests/components-${stamp}-${hash}.json`,
    templates: "/cache/deps/templates/manifests/templates.json",
    templatesHistory: `/cache/deps/templates/manifests/templates_${stamp}_${hash}.json`,
    seeds: "/cache/deps/seeds/manifests/seeds.json",
    seedsHistory: `/cache/deps/seeds/manifests/seeds_${stamp}_${hash}.json`,
    content: `/cache/deps/vmconfig/blobs/sha256/${"a".repeat(64)}`,
    artifact: "/cache/deps/vmconfig/artifacts/runc/1.4.2/runc.arm64",
    unversioned: "/cache/deps/vmconfig/artifacts/runc/runc.arm64",
    chart: "/cache/deps/templates/charts/ghcr.io/acme/templates/web",
    ownChart: "/cache/deps/templates/charts/podplane.local/templates/worker",
    snapshot: "/cache/deps/seeds/snapshots/minimal/2.3.0-1/m.netsy",
    fetched: "/cache/deps/seeds/snapshots/full/2.3.0-1/full.netsy",
    unnamed: "/cache/deps/seeds/snapshots/full/full.netsy",
    git: "/cache/deps/git/git.example.org/acme/components.git",
    images: "/cache/deps/components/images",
    image: "/cache/registry/mirror/quay.io/acme/lb",
  });
});

test.for([
  ["/cache/deps", "/cache/registry"],
  ["/cache/deps/", "/cache/registry"],
  ["/custom/podplane-deps", "/custom/podplane-deps/registry"],
  ["/deps/other", "/deps/other/registry"],
] as const)("the image store of %s is %s", ([root, registry]) => {
  expect(cachePaths(root).registry).toBe(registry);
});

test("no path leaves its folder, whatever manifests say", () => {
  const paths = cachePaths("/r/deps", { now });
  const piece = fc.constantFrom(
    "..",
    "../..",
    "/",
    "\\",
    "a",
    "C:",
    ":",
    "@",
    "https://",
    "oci://",
    "%2e%2e",
    "%2f",
    "\0",
    "?",
    "#",
  );
  const text = fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 6 }).map((parts) => parts.join(""));
  const makers: readonly ((a: string, b: string, c: string) => string)[] = [
    (a, b) => paths.vmConfigManifest(a, b).latest,
    (a, b) => paths.vmConfigManifest(a, b).history(a),
    (a, b, c) => paths.vmConfigArtifact({ name: a, version: b, url: c }),
    (a, b) => paths.templateChart({ name: a, url: b }),
    (a, b, c) => paths.seedSnapshot(a, b, { path: c, url: "" }),
    (a, b, c) => paths.seedSnapshot(a, b, { path: "", url: `https://h/${c}` }),
    (a) => paths.gitRepository(a),
    (a) => paths.gitRepository(`https://h/${a}`),
    (a) => paths.gitRepository(`git@h:${a}`),
    (a, b) => paths.imageRepository(a, b),
  ];
  const roots =
    /^\/r\/(?:deps\/(?:vmconfig\/(?:manifests|artifacts)|templates\/charts|seeds\/snapshots|git)|registry)\/[^/]/;
  let made = 0;
  fc.assert(
    fc.property(text, text, text, fc.constantFrom(...makers), (a, b, c, make) => {
      let path: string;
      try {
        path = make(a, b, c);
      } catch (error) {
        expect(isDepsError(error)).toBe(true);
        return;
      }
      made++;
      expect(posix.normalize(path)).toBe(path);
      expect(path).toMatch(roots);
      expect(path).not.toMatch(/[\0\\]/);
    }),
    { numRuns: 1000 },
  );
  expect(made).toBeGreaterThan(50);
});

test.for([
  ["https://git.example.org/acme/c.git", "git.example.org/acme/c.git"],
  ["https://user:secret@git.example.org:8443/acme/c", "git.example.org:8443/acme/c"],
  ["ssh://git@git.example.org/acme/c/", "git.example.org/acme/c"],
  ["git@github.com:acme/c.git", "github.com/acme/c.git"],
  ["https://h.org/a/../../../b", "h.org/b"],
  ["git@h.org:../../b", "h.org/b"],
  ["https://h.org/a/%2e%2e/%2e%2e/b", "h.org/b"],
] as const)("repository %s is mirrored at %s", ([url, path]) => {
  expect(gitRepositoryPath(url)).toBe(path);
});

test.for([
  "",
  "https://h.org/",
  "/srv/git/c",
  "../c",
  "file:///srv/c",
  "ext::sh -c x",
  "ext::../../x",
  "-oProxyCommand=x:y",
  "-o@h.org:y",
  "https://",
  "https://h.org/%zz",
  "ftp://h.org/a",
])("%j is no git repository", (url) => {
  expect(codeOf(() => gitRepositoryPath(url))).toBe("GIT_SOURCE");
});

test("messages do not repeat what may be a password", () => {
  for (const url of ["ftp://user:secret@h.org/a", "ext::user:secret@h", "ftp://h.org/?token=secret"])
    expect(() => gitRepositoryPath(url)).toThrow(/^(?!.*secret)/s);
});

test("a git source names exactly one ref", () => {
  const none = { branch: "", tag: "", semver: "", commit: "", rest: {} };
  const source = { url: "https://h.org/c", ref: { ...none, semver: "2.3.0" }, rest: {} };
  expect(gitRefOf(source)).toEqual({ type: "semver", name: "2.3.0" });
  for (const wrong of [
    { ...source, url: "" },
    { ...source, ref: none },
    { ...source, ref: { ...source.ref, tag: "t" } },
  ])
    expect(codeOf(() => gitRefOf(wrong))).toBe("GIT_SOURCE");
});

test.for([
  ["1.2", ["1.2", "v1.2"]],
  ["v1.2.3", ["v1.2.3"]],
  [" v1.2.3 ", ["v1.2.3"]],
  ["1.2.3", ["1.2.3", "v1.2.3"]],
  ...["", "^1", ">=1", "1.2.x", "1.2.3-beta.1", "1", "1.2.3.4", "1..2", "vv1.2", "1.2.3+b"].map(
    (text) => [text, undefined] as const,
  ),
] as const)("version %j may be the tags %j", ([version, tags]) => {
  expect(exactSemverTags(version)).toEqual(tags);
});

test.for([
  { chart: { url: "oci://r.io/web:1@sha256:b", digest: "sha256:a", version: "2" }, tag: "1", digest: "sha256:a" },
  { chart: { url: "r.io/web:1@sha256:b", digest: "", version: "2" }, tag: "1", digest: "sha256:b" },
  { chart: { url: "oci://r.io:5000/web", digest: "", version: "2.0.0+k1" }, tag: "2.0.0_k1", digest: "" },
])("chart $chart.url is tag $tag, digest $digest", ({ chart, tag, digest: wanted }) => {
  expect(chartReference(chart)).toEqual({ tag, digest: wanted });
});

test("charts have what their type needs, and local folders only in local manifests", () => {
  const oci = { name: "web", type: "oci", url: "oci://r.io/web", path: "" };
  const local = { name: "web", type: "chart", url: "", path: "../web" };
  requireChart(oci, false);
  requireChart(local, true);
  expect(codeOf(() => requireChart(local, false))).toBe("CHART_TYPE");
  for (const wrong of [
    { ...oci, url: "" },
    { ...local, path: "" },
    { ...oci, type: "" },
    { ...oci, type: "zip" },
  ])
    expect(codeOf(() => requireChart(wrong, true))).toBe("CHART_TYPE");
  for (const unsafe of [
    { name: "../x", url: "" },
    { name: "blobs", url: "" },
    { name: "x", url: "oci://r.io/x/oci-layout" },
  ])
    expect(codeOf(() => chartRepository(unsafe))).toBe("NAME_UNSAFE");
});

test("architectures are those of the lists, each once, else the one that is meant anyway", () => {
  expect(parseArchs(["amd64, arm64", "amd64"], "arm64")).toEqual(["amd64", "arm64"]);
  expect(parseArchs(undefined, "arm64")).toEqual(["arm64"]);
  expect(parseArchs([], "arm64")).toEqual(["arm64"]);
  for (const [lists, fallback] of [
    ["s390x", "amd64"],
    [",", "amd64"],
    ["", "amd64"],
    [undefined, "riscv64"],
  ] as const)
    expect(codeOf(() => parseArchs(lists, fallback))).toBe("ARCH_UNSUPPORTED");
});

test("providers of secrets go with cloud providers", () => {
  expect(secretProviders("aws")).toEqual(["aws"]);
  expect(secretProviders("gcp,proxmox")).toEqual(["gcp", "openbao"]);
  expect(secretProviders(["google", "gcp", "hetzner", "constructor"])).toEqual(["gcp"]);
});
