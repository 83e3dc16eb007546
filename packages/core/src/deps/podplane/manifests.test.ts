import fc from "fast-check";
import { expect, test } from "vitest";
import { isDepsError } from "../errors.ts";
import { formatComponentsManifest, parseComponentsManifest } from "./components-manifest.ts";
import { markChartCached, markItemsCached, markRowsCached, markSnapshotsCached } from "./markers.ts";
import { formatSeedsManifest, parseSeedsManifest } from "./seeds-manifest.ts";
import { formatTemplatesManifest, parseTemplatesManifest } from "./templates-manifest.ts";
import { formatVmConfigManifest, isBootComplete, isSameVmConfig, parseVmConfigManifest } from "./vmconfig-manifest.ts";

const sha = (digit: string) => `sha256:${digit.repeat(64)}`;

const vmconfig = {
  vmconfig: {
    version: "1.8.0",
    kind: "knc",
    os: {
      name: "debian-13",
      arch: "arm64",
      image: {
        version: "20260601-1",
        url: "https://images.example.org/d13.qcow2",
        type: "qcow2",
        digest: sha("a"),
        size: 9,
      },
      boot: {
        cmdline: "root=LABEL=root ro",
        kernel: { partition: 1, path: "/boot/vmlinuz", digest: sha("b") },
        initrd: { partition: 2, path: "/boot/initrd.img", digest: sha("c") },
      },
    },
    dependencies: {
      "10": { version: "1", url: "https://e.org/x", type: "binary", digest: sha("d"), size: 1 },
      "9": { version: "1", url: "https://e.org/x", type: "binary", digest: sha("d"), size: 1, providers: ["aws"] },
      vmconfig: { version: "dev", url: "", type: "tar.gz", digest: "", size: 0 },
    },
    images: [{ image: "e.org/pause:3", digest: sha("e"), size: 5, platform: "linux/arm64", index: sha("f") }],
  },
};
const components = {
  components: {
    version: "2.3.0",
    source: { url: "https://git.example.org/c.git", ref: { semver: "2.3.0" } },
    images: [
      { components: ["lb"], image: "quay.io/acme/lb:v1", digest: sha("1"), size: 3, platform: "linux/arm64" },
      { components: ["ebs"], image: "quay.io/a:v4", digest: sha("2"), size: 3, providers: ["aws"], addon: true },
    ],
  },
};
const templates = {
  templates: {
    version: "0.9.0",
    charts: [
      { name: "web", version: "0.9.0", type: "oci", url: "oci://e.org/web", dependencies: { components: ["traefik"] } },
      { name: "worker", version: "dev", type: "chart", path: "../worker", dependencies: {} },
    ],
    images: [{ image: "caddy:2", digest: sha("3"), size: 7, templates: { web: "caddy" } }],
  },
};
const seeds = {
  seeds: {
    version: "2.3.0-1",
    components: "2.3.0",
    snapshots: {
      minimal: { path: "../minimal.netsy" },
      recommended: { url: "https://e.org/r.netsy", digest: `sha512:${"a".repeat(128)}`, size: 912004 },
    },
  },
};

/** The same as v0.1 has it: no images of machines and charts, no git repository, one component for an image. */
const { images: _machineImages, ...machine } = vmconfig.vmconfig;
const { images: _chartImages, ...charts } = templates.templates;
const first = {
  vmconfig: { vmconfig: machine },
  components: {
    components: {
      version: "2.3.0",
      images: components.components.images.map(({ components: [component], ...row }) => ({ component, ...row })),
    },
  },
  templates: { templates: charts },
  seeds,
};

const formats = {
  vmconfig: { given: vmconfig, write: (text: string) => formatVmConfigManifest(parseVmConfigManifest(text)) },
  components: { given: components, write: (text: string) => formatComponentsManifest(parseComponentsManifest(text)) },
  templates: { given: templates, write: (text: string) => formatTemplatesManifest(parseTemplatesManifest(text)) },
  seeds: { given: seeds, write: (text: string) => formatSeedsManifest(parseSeedsManifest(text)) },
};
const kinds = Object.entries(formats).flatMap(([kind, { given, write }]) => [
  { kind, release: "v0.8", given, write },
  { kind, release: "v0.1", given: first[kind as keyof typeof first], write },
]);

/** What a manifest says, with every object's keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, sorted(item)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function errorOf(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (isDepsError(error, "MANIFEST_PARSE")) return error.details;
    throw error;
  }
  return undefined;
}

test.for(kinds)("a $kind manifest of $release is written as it was read", ({ given, write }) => {
  const text = write(JSON.stringify(given));
  expect(JSON.parse(text)).toEqual(given);
  expect(write(text)).toBe(text);
  expect(text).toMatch(/^\{\n {2}"\w+": \{\n {4}"version": ".*",\n[\s\S]*\n\}\n$/);
});

test.for(kinds)("keys nobody knows stay in a $kind manifest of $release, wherever they are", ({ given, write }) => {
  const extended = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(extended);
    if (typeof value !== "object" || value === null) return value;
    const isMap = ["dependencies", "snapshots", "templates"];
    return Object.fromEntries([
      ...Object.entries(value).map(([key, item]) => [
        key,
        isMap.includes(key) && !(item as { version?: string }).version ? mapped(item) : extended(item),
      ]),
      ["x-later", { b: [1, null, { rest: true }], a: "ü" }],
      ["rest", "theirs"],
    ]);
  };
  const mapped = (map: unknown) =>
    Array.isArray((map as { components?: unknown }).components)
      ? extended(map)
      : Object.fromEntries(
          Object.entries(map as object).map(([key, item]) => [key, typeof item === "string" ? item : extended(item)]),
        );
  const more = extended(given);
  expect(sorted(JSON.parse(write(JSON.stringify(more))))).toEqual(sorted(more));
});

test("maps are written with their keys sorted by their bytes, numbers among them too", () => {
  const text = formats.vmconfig.write(JSON.stringify(vmconfig));
  expect([...text.matchAll(/^ {6}"(10|9|vmconfig)": \{/gm)].map(([, name]) => name)).toEqual(["10", "9", "vmconfig"]);
});

test.for(kinds)(
  "a $kind manifest of $release with null for what may be missing is one without",
  ({ kind, given, write }) => {
    const inner = (given as Record<string, Record<string, unknown>>)[kind] ?? {};
    for (const key of Object.keys(inner)) {
      const { [key]: _, ...others } = inner;
      expect(write(JSON.stringify({ [kind]: { ...inner, [key]: null } }))).toBe(
        write(JSON.stringify({ [kind]: others })),
      );
    }
  },
);

test("what a cache noted is cleared, except where it is asked for", () => {
  const noted = JSON.stringify({
    templates: {
      version: "1",
      charts: [{ name: "web", cached: true, chartLayerDigest: sha("a") }],
      images: [{ image: "caddy", cached: true }],
    },
  });
  const { charts, images } = parseTemplatesManifest(noted).templates;
  expect([charts[0]?.cached, charts[0]?.chartLayerDigest, images[0]?.cached]).toEqual([false, "", false]);
  const kept = parseTemplatesManifest(noted, { keepMarkers: true });
  expect(kept.templates.charts[0]).toMatchObject({ cached: true, chartLayerDigest: sha("a") });
  expect(formatTemplatesManifest(kept)).toContain('"cached": true');
  const {
    os,
    dependencies,
    images: own,
  } = parseVmConfigManifest(
    JSON.stringify({
      vmconfig: {
        os: { image: { cached: true } },
        dependencies: { runc: { cached: true } },
        images: [{ cached: true }],
      },
    }),
  ).vmconfig;
  expect([os.image.cached, dependencies.runc?.cached, own[0]?.cached]).toEqual([false, false, false]);
  const rows = parseComponentsManifest('{"components":{"images":[{"cached":true}]}}').components.images;
  const snapshots = parseSeedsManifest('{"seeds":{"snapshots":{"a":{"cached":true}}}}').seeds.snapshots;
  expect([rows[0]?.cached, snapshots.a?.cached]).toEqual([false, false]);
});

test("a vmconfig manifest is the same however it is written and whatever the cache noted in it, of its images too", () => {
  const latest = parseVmConfigManifest(JSON.stringify(vmconfig));
  const noted = markItemsCached(latest, ["os-image", "9"]);
  const images = markRowsCached(noted.vmconfig.images, [0]);
  const text = formatVmConfigManifest({ ...noted, vmconfig: { ...noted.vmconfig, images } });
  expect(text.match(/"cached": true/g)).toHaveLength(3);
  expect(isSameVmConfig(parseVmConfigManifest(text, { keepMarkers: true }), latest)).toBe(true);
  expect(isSameVmConfig({ ...latest, vmconfig: { ...latest.vmconfig, version: "1.8.1" } }, latest)).toBe(false);
});

test("items, rows, charts and snapshots are noted by name or index, and what is not there is passed over", () => {
  const machine = markItemsCached(parseVmConfigManifest(JSON.stringify(vmconfig)), ["os-image", "9", "toString"]);
  expect(machine.vmconfig.os.image.cached).toBe(true);
  const { dependencies } = machine.vmconfig;
  expect(Object.keys(dependencies).filter((name) => dependencies[name]?.cached)).toEqual(["9"]);
  const charts = parseTemplatesManifest(JSON.stringify(templates));
  const { images } = charts.templates;
  expect(images.map(({ cached }) => cached)).toEqual([false]);
  expect(markRowsCached(images, [0, 7]).map(({ cached }) => cached)).toEqual([true]);
  const marked = markChartCached(charts, 1, sha("9")).templates.charts;
  expect(marked.map(({ cached, chartLayerDigest }) => [cached, chartLayerDigest])).toEqual([
    [false, ""],
    [true, sha("9")],
  ]);
  expect(markChartCached(charts, 2, sha("9"))).toEqual(charts);
  const { snapshots } = markSnapshotsCached(parseSeedsManifest(JSON.stringify(seeds)), ["minimal", "x"]).seeds;
  expect(Object.entries(snapshots).map(([name, { cached }]) => [name, cached])).toEqual([
    ["minimal", true],
    ["recommended", false],
  ]);
});

test("a component image of v0.1 is read as one of later releases and written back as it was", () => {
  const text = JSON.stringify({
    components: {
      version: "1",
      images: [
        { component: "lb", image: "a", digest: "d", size: 1 },
        { components: ["lb"], image: "a", digest: "d", size: 1 },
        { components: ["lb"], component: "ebs", image: "a", digest: "d", size: 1 },
        { image: "a", digest: "d", size: 1 },
      ],
    },
  });
  const manifest = parseComponentsManifest(text);
  expect(manifest.components.images.map(({ components }) => components)).toEqual([["lb"], ["lb"], ["lb", "ebs"], []]);
  const written = JSON.parse(formatComponentsManifest(manifest)).components.images;
  expect(written.map((row: object) => Object.entries(row)[0])).toEqual([
    ["component", "lb"],
    ["components", ["lb"]],
    ["components", ["lb", "ebs"]],
    ["image", "a"],
  ]);
});

test("a boot block is complete with command line, kernel and initrd, and keeps partitions and paths", () => {
  const { boot } = parseVmConfigManifest(JSON.stringify(vmconfig)).vmconfig.os;
  expect(isBootComplete(boot)).toBe(true);
  expect(boot?.kernel).toMatchObject({ partition: 1, path: "/boot/vmlinuz" });
  expect(boot?.initrd).toMatchObject({ partition: 2, path: "/boot/initrd.img" });
  const without = (change: object) => {
    const manifest = { vmconfig: { os: { boot: { ...vmconfig.vmconfig.os.boot, ...change } } } };
    return parseVmConfigManifest(JSON.stringify(manifest)).vmconfig.os.boot;
  };
  for (const change of [{ cmdline: "" }, { initrd: null }, { kernel: { partition: 0, path: "/k", digest: "d" } }])
    expect(isBootComplete(without(change))).toBe(false);
  expect(isBootComplete(undefined)).toBe(false);
});

test.for([
  ["{}", "vmconfig", /missing/],
  ['{"vmconfig":null}', "vmconfig", /missing/],
  ["[]", "", /no object/],
  ["", "", /no JSON/],
  ['{"vmconfig":{"version":"1"', "", /no JSON/],
  ['{"vmconfig":{"version":1}}', "vmconfig.version", /string/],
  ['{"vmconfig":{"dependencies":{"runc":{"size":1.5}}}}', "vmconfig.dependencies.runc.size", /int/],
  ['{"vmconfig":{"dependencies":{"runc":{"size":-1}}}}', "vmconfig.dependencies.runc.size", /0/],
  ['{"vmconfig":{"dependencies":{"runc":{"size":9007199254740993}}}}', "vmconfig.dependencies.runc.size", /int/],
  ['{"vmconfig":{"os":{"boot":[]}}}', "vmconfig.os.boot", /object/],
  ['{"vmconfig":{"images":{}}}', "vmconfig.images", /array/],
  ['{"vmconfig":{"dependencies":{"__proto__":{}}}}', "__proto__", /no key/],
  ['{"vmconfig":{"version":"a\\\\","version" : "b:"}}', "", /twice/],
  [`{"vmconfig":{"x":${"[".repeat(5000)}${"]".repeat(5000)}}}`, "", /levels/],
] as const)("%s is no vmconfig manifest", ([text, path, reason]) => {
  const details = errorOf(() => parseVmConfigManifest(text));
  expect(details).toMatchObject({ manifest: "the vmconfig manifest", path });
  expect(details?.reason).toMatch(reason);
});

test("a manifest that is too long or no UTF-8 is refused, and the message says where it is from", () => {
  const name = "https://e.org/seeds.json";
  expect(errorOf(() => parseSeedsManifest('{"seeds":{}}', { maxBytes: 11, name }))?.reason).toMatch(/over 11 bytes/);
  expect(parseSeedsManifest('{"seeds":{}}', { maxBytes: 12 }).seeds.version).toBe("");
  const bytes = Uint8Array.of(...Buffer.from('{"seeds":{"version":"'), 0xff, ...Buffer.from('"}}'));
  expect(errorOf(() => parseSeedsManifest(bytes, { name }))).toMatchObject({
    manifest: name,
    reason: "it is no UTF-8",
  });
});

test("any JSON is either refused or written so that it is read the same again", () => {
  const row = fc.dictionary(
    fc.constantFrom("image", "digest", "size", "platform", "cached", "component", "components", "addon", "x", "10"),
    fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom("a", 1, true, ["a"])),
  );
  const manifest = fc.record({
    components: fc.record({ version: fc.string(), images: fc.array(row) }),
    y: fc.jsonValue(),
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        manifest.map((value) => JSON.stringify(value)),
      ),
      (text) => {
        let written: string;
        try {
          written = formats.components.write(text);
        } catch (error) {
          expect(isDepsError(error, "MANIFEST_PARSE")).toBe(true);
          return;
        }
        expect(formats.components.write(written)).toBe(written);
      },
    ),
    { numRuns: 100 },
  );
});
