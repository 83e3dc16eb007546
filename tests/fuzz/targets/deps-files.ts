import { isDepsError } from "@tranship/core/deps";
import { parseChartYaml } from "../../../packages/core/src/deps/charts/chart-yaml.ts";
import { parseHelmIgnore } from "../../../packages/core/src/deps/charts/helm-ignore.ts";
import { depsItems } from "../../../packages/core/src/deps/manifest-file/deps-items.ts";
import { depsPaths } from "../../../packages/core/src/deps/manifest-file/deps-paths.ts";
import { parseDepsManifest } from "../../../packages/core/src/deps/manifest-file/parse-manifest.ts";
import {
  formatComponentsManifest,
  parseComponentsManifest,
} from "../../../packages/core/src/deps/podplane/components-manifest.ts";
import { formatSeedsManifest, parseSeedsManifest } from "../../../packages/core/src/deps/podplane/seeds-manifest.ts";
import {
  formatTemplatesManifest,
  parseTemplatesManifest,
} from "../../../packages/core/src/deps/podplane/templates-manifest.ts";
import {
  formatVmConfigManifest,
  parseVmConfigManifest,
} from "../../../packages/core/src/deps/podplane/vmconfig-manifest.ts";
import { jsonParts } from "./json-input.ts";
import { require, requireDigest, requireSame, unlessRefused } from "./oracle.ts";
import { bytesOfInput, type FuzzTarget } from "./target.ts";
import { mutateLines, yamlShape, yamlWords } from "./yaml-input.ts";

const paths = depsPaths("/cache");

/** Our own manifests of dependencies. */
export const depsManifestTarget: FuzzTarget = {
  name: "deps-manifest",
  what: "manifests of dependencies",
  maxLength: 512 * 1024,
  ...jsonParts("bytes", [
    "format",
    "items",
    "id",
    "url",
    "digest",
    "size",
    "path",
    "image",
    "chart",
    "git",
    "selectors",
    "platforms",
    "../../etc/passwd",
    "https://example.com/a",
    "file:///etc/passwd",
    `sha256:${"0".repeat(64)}`,
    "CON",
  ]),
  judge: (input) => {
    const items = unlessRefused(() => depsItems(parseDepsManifest(bytesOfInput(input), { paths })), isDepsError);
    if (!items) return false;
    for (const { digest, sink } of items) {
      if (digest !== undefined) requireDigest(digest);
      const places = sink.type === "file" ? [sink.path, ...sink.links] : "path" in sink ? [String(sink.path)] : [];
      for (const place of places) {
        const isInside = place.startsWith("/cache/") && !place.split("/").some((part) => part === ".." || part === ".");
        require(isInside && !place.includes("\0"), `${JSON.stringify(place)} is outside of the cache`);
      }
    }
    return true;
  },
};

const podplaneReaders = {
  vmconfig: (text: string) => formatVmConfigManifest(parseVmConfigManifest(text, { keepMarkers: true })),
  components: (text: string) => formatComponentsManifest(parseComponentsManifest(text, { keepMarkers: true })),
  seeds: (text: string) => formatSeedsManifest(parseSeedsManifest(text, { keepMarkers: true })),
  templates: (text: string) => formatTemplatesManifest(parseTemplatesManifest(text, { keepMarkers: true })),
};

/** Podplane's manifests: written and read again, they are the same. */
export const podplaneTarget: FuzzTarget = {
  name: "podplane",
  testRuns: 400,
  what: "Podplane's four manifests",
  maxLength: 512 * 1024,
  ...jsonParts("text", [
    "vmconfig",
    "components",
    "seeds",
    "templates",
    "version",
    "kind",
    "os",
    "dependencies",
    "images",
    "cached",
    "url",
    "digest",
    "size",
    "constructor",
    "snapshots",
  ]),
  judge: (input) => {
    let accepted = 0;
    for (const rewritten of Object.values(podplaneReaders)) {
      const text = unlessRefused(() => rewritten(input), isDepsError);
      if (text === undefined) continue;
      accepted += 1;
      requireSame(rewritten(text), text, "a manifest written and read again");
    }
    return accepted > 0;
  },
};

/** The `Chart.yaml` of a chart. */
export const chartTarget: FuzzTarget = {
  name: "chart",
  testRuns: 200,
  what: "`Chart.yaml` and `requirements.yaml`",
  alphabet: "bytes",
  words: [
    ...yamlWords,
    "apiVersion: v2",
    "name: ",
    "version: 1.0.0",
    "dependencies:",
    "type: library",
    "repository: oci://",
  ],
  maxLength: 256 * 1024,
  nsPerCharacter: 20_000,
  mutate: mutateLines,
  shape: yamlShape,
  judge: (input) => {
    const bytes = bytesOfInput(input);
    const isOwn = (error: unknown) => isDepsError(error, "CHART_TYPE");
    const chart = unlessRefused(() => parseChartYaml(bytes, undefined, "the chart"), isOwn);
    unlessRefused(
      () => parseChartYaml(Buffer.from("apiVersion: v1\nname: a\nversion: '1'\n"), bytes, "the chart"),
      isOwn,
    );
    if (!chart) return false;
    require(chart.name !== "" &&
      !/[/\\\0]|^\.\.?$/.test(chart.name), `the name ${JSON.stringify(chart.name)} was accepted`);
    require(/^[0-9A-Za-z.+-]+$/.test(chart.version), `the version ${JSON.stringify(chart.version)} was accepted`);
    return true;
  },
};

/** A `.helmignore`: the rules are the lines but the last, which is a path they are asked about. */
export const helmIgnoreTarget: FuzzTarget = {
  name: "helm-ignore",
  what: "`.helmignore`, and paths it is asked about",
  alphabet: "text",
  words: [
    "*",
    "?",
    "[a-z]",
    "[^a]",
    "[",
    "]",
    "\\",
    "/",
    "!",
    "#",
    "a",
    "templates/",
    ".git",
    "\n",
    "**",
    "-",
    "^",
    "aaaa",
  ],
  maxLength: 4 * 1024, // a rule and a path take as long as one times the other
  nsPerCharacter: 40_000,
  judge: (input) => {
    const at = input.lastIndexOf("\n");
    const isIgnored = unlessRefusedSyntax(() => parseHelmIgnore(input.slice(0, Math.max(0, at))));
    if (isIgnored === undefined) return false;
    const path = input.slice(at + 1);
    for (const isFolder of [true, false])
      require(typeof isIgnored(path, isFolder) === "boolean", "there is no verdict");
    return true;
  },
};

function unlessRefusedSyntax<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
