import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Workflow {
  readonly on: unknown;
  readonly permissions: unknown;
  readonly jobs: Readonly<
    Record<string, { readonly permissions: unknown; readonly needs?: string; readonly steps: readonly Step[] }>
  >;
}

const root = join(import.meta.dirname, "../..");
const text = readFileSync(join(root, ".github/workflows/release.yml"), "utf8");
const workflow = parse(text) as Workflow;
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
const runs = steps.flatMap(({ run }) => (run === undefined ? [] : [run]));

test("a release starts at a tag alone, and each job may do what it is for and nothing else", () => {
  expect(workflow.on).toEqual({ push: { tags: ["v*.*.*"] } });
  expect(workflow.permissions).toEqual({});
  const permissions = Object.fromEntries(Object.entries(workflow.jobs).map(([name, job]) => [name, job.permissions]));
  expect(permissions).toEqual({
    check: { contents: "read" },
    pack: { contents: "read" },
    publish: { "id-token": "write" },
    release: { contents: "write" },
  });
});

test("who may publish or write runs nothing of the repository, and no dependency", () => {
  for (const name of ["publish", "release"]) {
    const job = workflow.jobs[name] ?? expect.unreachable();
    expect(job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout"))).toEqual([]);
    expect(job.steps.flatMap(({ run }) => run ?? []).filter((run) => /\bpnpm\b|\bnode\b/.test(run))).toEqual([]);
  }
});

test("nothing is published that was not checked, and all of it with provenance, by nobody's token", () => {
  expect(Object.entries(workflow.jobs).map(([name, { needs }]) => [name, needs])).toEqual([
    ["check", undefined],
    ["pack", "check"],
    ["publish", "pack"],
    ["release", "publish"],
  ]);
  const published = runs.filter((run) => /\bpublish\b/.test(run));
  expect(published.map((run) => /release\/(\w+)\.tgz/.exec(run)?.[1])).toEqual(["registry", "core", "cli"]);
  for (const run of published) expect(run).toMatch(/ --provenance --access public$/);
  expect(text).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/);
});

test("the scripts it runs are there", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const named = runs.flatMap((run) => [...run.matchAll(/pnpm@10 run ([\w:]+)/g)].map(([, name = ""]) => name));
  expect(named).toEqual(["build", "sbom"]);
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  expect(readFileSync(join(root, ".ci/run"), "utf8")).toContain("pnpm@10 pack:check");
});

test("the bills of materials are attached", () => {
  const kept = steps.find(({ uses }) => uses?.startsWith("actions/upload-artifact"))?.with?.path;
  expect(String(kept).split(/\s+/)).toContain("reports/sbom/");
  expect(runs.find((run) => run.includes("gh release create"))).toContain("reports/sbom/*.cdx.json");
});

test("actions are the forge's own at a version, credentials are not left behind, and no command has text of others put into it", () => {
  for (const { uses, with: given } of steps) {
    if (uses !== undefined) expect(uses).toMatch(/^actions\/[a-z-]+@(?:v\d+|[0-9a-f]{40})$/);
    if (uses?.startsWith("actions/checkout")) expect(given?.["persist-credentials"]).toBe(false);
  }
  for (const run of runs) expect(run).not.toContain("${{");
});
