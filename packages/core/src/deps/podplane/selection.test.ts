import { expect, test } from "vitest";
import { isDepsError } from "../errors.ts";
import { parseComponentsManifest } from "./components-manifest.ts";
import { componentImageIndexes, templateImageIndexes } from "./image-selection.ts";
import { downloadItems, hasVmConfigDep, installItems, items, requireReleased } from "./items.ts";
import { parseTemplatesManifest } from "./templates-manifest.ts";
import { validateImageRows, validateItems, validateSnapshot } from "./validate.ts";
import { parseVmConfigManifest } from "./vmconfig-manifest.ts";
import { podplaneProfiles } from "./well-known.ts";

const sha256 = `sha256:${"a".repeat(64)}`;
const sha512 = `sha512:${"a".repeat(128)}`;
const row = { version: "1", url: "https://e.org/f", digest: sha256, size: 1 };

function vmConfig(dependencies: object, more: object = {}, image: object = { ...row, type: "qcow2" }) {
  const text = JSON.stringify({ vmconfig: { os: { image }, dependencies, ...more } });
  return parseVmConfigManifest(text, { keepMarkers: true });
}

function failureOf(run: () => unknown): readonly [code: string, message: string] {
  try {
    run();
  } catch (error) {
    if (isDepsError(error)) return [error.code, error.message];
    throw error;
  }
  return ["none", ""];
}

const machine = vmConfig({
  neutral: { ...row, cached: true },
  google: { ...row, providers: ["google"], cached: true },
  aws: { ...row, providers: ["aws"], cached: true },
  missing: row,
});

test.for([
  { filter: {}, names: ["missing", "neutral"] },
  { filter: { providers: "AWS" }, names: ["aws", "missing", "neutral"] },
  { filter: { providers: ["all"], cachedOnly: true }, names: ["aws", "google", "neutral"] },
  { filter: { providers: "azure, google" }, names: ["google", "missing", "neutral"] },
])("with $filter the machine installs $names", ({ filter, names }) => {
  expect(installItems(machine, filter).map(({ name }) => name)).toEqual(names);
  const fetched = downloadItems(machine, filter).map(({ name }) => name);
  expect(fetched).toEqual(filter.cachedOnly ? names : ["os-image", ...names]);
});

const stub = { version: "dev", url: "", type: "tar.gz", digest: "", size: 0 };

test.for([
  { name: "a stub", vmconfig: stub, isFetched: false, has: false, code: "STUB_PUBLISHED" },
  { name: "a release", vmconfig: row, isFetched: true, has: true, code: "none" },
  { name: "one for a provider", vmconfig: { ...row, providers: ["aws"] }, isFetched: false, has: false, code: "none" },
  { name: "one without digest", vmconfig: { ...row, digest: "" }, isFetched: true, has: true, code: "none" },
  { name: "one without URL", vmconfig: { ...row, url: "" }, isFetched: true, has: true, code: "none" },
])(
  "of $name as vmconfig it is known whether it is fetched and may be published",
  ({ vmconfig, isFetched, has, code }) => {
    const manifest = vmConfig({ runc: row, vmconfig });
    expect(items(manifest).map(({ name }) => name)).toEqual(["os-image", "runc", "vmconfig"]);
    expect(downloadItems(manifest).some(({ name }) => name === "vmconfig")).toBe(isFetched);
    expect(hasVmConfigDep(manifest)).toBe(has);
    expect(failureOf(() => requireReleased(manifest))[0]).toBe(code);
  },
);

test("only the item called vmconfig can be a stub", () => {
  const manifest = vmConfig({ runc: stub });
  expect(failureOf(() => requireReleased(manifest))[0]).toBe("none");
  expect(failureOf(() => validateItems(downloadItems(manifest)))).toEqual([
    "DIGEST_MISSING",
    expect.stringMatching("runc"),
  ]);
});

test.for([
  { name: "nothing", item: {}, code: "DIGEST_MISSING" },
  { name: "a URL alone", item: { url: row.url }, code: "DIGEST_MISSING" },
  { name: "a wrong digest and nothing else", item: { digest: "sha256:x" }, code: "DIGEST_LENGTH" },
  { name: "a digest alone", item: { digest: sha512 }, code: "URL_MISSING" },
  { name: "no size", item: { ...row, size: 0 }, code: "SIZE_MISSING" },
  { name: "a version that is a path", item: { ...row, version: "../../../x" }, code: "NAME_UNSAFE" },
  { name: "a URL that ends in a step", item: { ...row, url: "https://e.org/.." }, code: "NAME_UNSAFE" },
  { name: "all it takes", item: row, code: "none" },
])("an item with $name: $code", ({ item, code }) => {
  const [found, message] = failureOf(() =>
    validateItems(downloadItems(vmConfig({ vmconfig: { version: "1", ...item }, a: row }))),
  );
  // With neither URL nor digest it is a stub, and not fetched.
  expect(found).toBe(item.url === undefined && item.digest === undefined ? "none" : code);
  if (found !== "none") expect(message).toMatch("vmconfig");
});

test.for([
  [{}, "DIGEST_MISSING"],
  [{ ...row, size: 0 }, "SIZE_MISSING"],
] as const)("a disk image like %j is told by its name: %s", ([image, code]) => {
  expect(failureOf(() => validateItems(items(vmConfig({ a: {} }, {}, image))))).toEqual([
    code,
    expect.stringMatching("os-image"),
  ]);
});

test.for(["../x", "a/b", "/etc", "nul", "a ", "x\0", "os-image"])("no item may be called %j", (name) => {
  expect(failureOf(() => validateItems(items(vmConfig({ [name]: row }))))[0]).toBe("NAME_UNSAFE");
});

test.for([
  { image: {}, code: "REFERENCE_MISSING", says: "an image" },
  { image: { digest: sha256 }, code: "REFERENCE_MISSING", says: sha256 },
  { image: { image: "e.org/pause:3" }, code: "DIGEST_MISSING", says: "e.org/pause:3" },
  { image: { image: "e.org/pause:3", digest: sha512, size: 1 }, code: "DIGEST_ALGORITHM", says: "e.org/pause:3" },
  { image: { image: "e.org/pause:3", digest: sha256 }, code: "SIZE_MISSING", says: "e.org/pause:3" },
  { image: { image: "e.org/pause:3", digest: sha256, size: 1 }, code: "none", says: "" },
])("an image row like $image: $code", ({ image, code, says }) => {
  const { images } = vmConfig({}, { images: [image] }).vmconfig;
  expect(failureOf(() => validateImageRows(images))).toEqual([code, expect.stringContaining(says)]);
});

test.for([
  { snapshot: {}, isLocal: true, code: "SEED_SOURCE" },
  { snapshot: { path: "../x.netsy", url: "https://e.org/x" }, isLocal: true, code: "SEED_SOURCE" },
  { snapshot: { path: "../x.netsy" }, isLocal: true, code: "none" },
  { snapshot: { path: "../x.netsy" }, isLocal: false, code: "SEED_SOURCE" },
  { snapshot: { url: "https://e.org/x", digest: sha512, size: 1 }, isLocal: false, code: "none" },
  { snapshot: { url: "https://e.org/x", digest: sha512 }, isLocal: false, code: "SIZE_MISSING" },
  { snapshot: { url: "https://e.org/x", digest: sha256, size: 1 }, isLocal: false, code: "DIGEST_ALGORITHM" },
  { snapshot: { url: "https://e.org/x", size: 1 }, isLocal: false, code: "DIGEST_MISSING" },
])("a snapshot like $snapshot in a local manifest: $isLocal: $code", ({ snapshot, isLocal, code }) => {
  const whole = { path: "", url: "", digest: "", size: 0, cached: false, rest: {}, ...snapshot };
  expect(failureOf(() => validateSnapshot("minimal", whole, isLocal))[0]).toBe(code);
});

const rows = [
  { image: "core", platform: "linux/amd64" },
  { image: "addon", platform: "linux/amd64", addon: true, components: ["traefik"] },
  { image: "aws", platform: "linux/amd64", providers: ["aws"] },
  { image: "aws-addon", platform: "linux/amd64", providers: ["aws"], addon: true, components: ["ebs"] },
  { image: "arm64", platform: "linux/arm64" },
];

function chosen(images: readonly { readonly image: string }[], filter: Parameters<typeof componentImageIndexes>[1]) {
  const parsed = parseComponentsManifest(JSON.stringify({ components: { images } })).components.images;
  return componentImageIndexes(parsed, filter).map((index) => parsed[index]?.image);
}

test.for([
  { name: "nothing", filter: {}, images: ["core"] },
  {
    name: "a provider and an addon",
    filter: { providers: "aws", addons: "Traefik" },
    images: ["core", "addon", "aws"],
  },
  {
    name: "all",
    filter: { providers: "all", addons: "all" },
    images: ["core", "addon", "aws", "aws-addon"],
  },
  { name: "an addon of a provider not named", filter: { addons: "ebs" }, images: ["core"] },
])("of components, with $name chosen: $images", ({ filter, images }) => {
  expect(chosen(rows, { archs: "amd64", ...filter })).toEqual(images);
});

test("an addon's image that is for a provider is wanted with both", () => {
  const only = rows.slice(3, 4);
  expect(chosen(only, { archs: ["amd64"], providers: "all", addons: "all" })).toEqual(["aws-addon"]);
  expect(chosen(only, { archs: ["amd64"], providers: "aws" })).toEqual([]);
});

test("an addon's image that two components share is wanted with either", () => {
  const shared = [{ image: "shared", addon: true, components: ["a", "b"] }];
  expect(["a", "b", "c"].map((addons) => chosen(shared, { archs: "amd64", addons }).length)).toEqual([1, 1, 0]);
});

test("an addon's image of v0.1 is wanted with its component, and one of no component always", () => {
  const old = { image: "old", addon: true, component: "lb" };
  expect(chosen([old, { image: "free", addon: true } as typeof old], { archs: "amd64" })).toEqual(["free"]);
  expect(chosen([old], { archs: "amd64", addons: "lb" })).toEqual(["old"]);
});

test("images are wanted for the architecture of their platform, those without one for each", () => {
  const platforms = ["linux/amd64", "linux/arm64/v8", undefined, "linux"];
  const text = JSON.stringify({ templates: { images: platforms.map((platform) => ({ image: "a", platform })) } });
  const { images } = parseTemplatesManifest(text).templates;
  expect(templateImageIndexes(images, "arm64")).toEqual([1, 2]);
  expect(templateImageIndexes(images, ["amd64,arm64"])).toEqual([0, 1, 2]);
});

test("each release recommends its addons", () => {
  expect(podplaneProfiles["v0.1"].recommendedAddons).toEqual(["cert-manager", "platform-certs", "traefik"]);
  expect(podplaneProfiles["v0.8"].recommendedAddons).toHaveLength(7);
});
