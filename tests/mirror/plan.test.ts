import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type DownloadListDiff,
  type DownloadTotals,
  downloadTotals,
  lockFileName,
  type PullReport,
} from "@tranship/core";
import { anImage, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { fileDigests } from "../support/bundle-files.ts";
import { aSource, readPlan } from "../support/mirror.ts";
import { runProgram } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const place = (source: TestRegistry) => `${source.host}/demo/fe`;

/** Runs a command against the source; it has to succeed. */
async function done(command: "plan" | "pull", source: TestRegistry, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, ...args, "--source", place(source));
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** What the last line of `--json` reports. */
function report<Report>(stdout: string): Report {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Report;
}

describe("pull --plan", () => {
  test("makes the bundle of the plan byte for byte, though tags have moved, asks for no tag, and is sent just the bytes planned", async () => {
    await using source = await aSource();
    const folder = tempFolder();
    const [calm, planned, plan] = [join(folder, "calm"), join(folder, "planned"), join(folder, "plan.json")];
    await done("plan", source, "-o", plan);
    await done("pull", source, calm);
    source.seed("demo/fe/packages/console", anImage({ tag: "v1.46.0", seed: "moved" }));
    source.seed("demo/fe/packages/console/version", anImage({ tag: "stable", files: { "version.json": "{}" } }));
    source.reset();
    await done("pull", source, planned, "--plan", plan, "--frozen");
    expect(await fileDigests(planned)).toEqual(await fileDigests(calm));
    const asked = source.requests().map(({ path }) => path);
    expect(asked.filter((path) => !/\/(?:manifests|blobs)\/sha256:/.test(path) && path !== "/v2/")).toEqual([]);
    const { fetchBytes } = downloadTotals(readPlan(planned));
    expect(source.bytesSent()).toBe(fetchBytes);
  });

  test("of a bundle's lock makes the same bundle in another folder, over a base too", async () => {
    await using source = await aSource();
    const folder = tempFolder();
    const [base, first, second] = [join(folder, "base"), join(folder, "first"), join(folder, "second")];
    await done("pull", source, base, "--include-package", "console@=v1.45.1", "--no-modules");
    await done("pull", source, first, "--base", join(base, lockFileName), "--no-modules");
    await done("pull", source, second, "--plan", join(first, lockFileName));
    expect(readFileSync(join(first, lockFileName), "utf8")).toContain('"assumed"');
    expect(await fileDigests(second)).toEqual(await fileDigests(first));
  });

  test("fails when an image is gone, and when the plan says other than the source", async () => {
    await using source = await aSource();
    const plan = join(tempFolder(), "plan.json");
    await done("plan", source, "-o", plan);
    const text = readFileSync(plan, "utf8");
    const pulled = (...args: readonly string[]) =>
      runProgram("pull", tempFolder(), "--source", place(source), "--plan", plan, ...args);
    writeFileSync(plan, text.replace(/"size": (\d+)/, '"size": 1$1'));
    expect(await pulled()).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot follow the plan") });
    writeFileSync(plan, text);
    const console = source.registry.repository("demo/fe/packages/console");
    const { digest } = (await console.resolve("v1.46.0")) ?? {};
    if (digest) await console.deleteManifest(digest);
    const { code, stdout } = await pulled("--json");
    expect(code).toBe(1);
    expect(report(stdout)).toMatchObject({
      code: "PLAN_OUTDATED",
      details: { reference: `${place(source)}/packages/console:v1.46.0` },
      class: "plan",
    });
  });

  test.for([
    { flags: ["--frozen"], said: "--frozen needs --plan" },
    { flags: ["--plan", "p", "--include-package", "console"], said: "--include-package and --plan contradict" },
    { flags: ["--plan", "p", "--no-modules"], said: "--no-modules and --plan contradict" },
    { flags: ["--plan", "p", "--referrers", "vex"], said: "--referrers and --plan contradict" },
    { flags: ["--plan", "p", "--base", "b"], said: "--base and --plan contradict" },
    {
      flags: ["--plan", "no-such-file"],
      said: "--plan: cannot read no-such-file: there is no such file or folder (ENOENT)",
    },
  ])("$flags is wrong usage", async ({ flags, said }) => {
    const run = await runProgram("pull", join(tempFolder(), "b"), "--source", "localhost:1/a", ...flags);
    expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(said) });
  });
});

describe("plan", () => {
  test.for([
    { name: "everything", flags: [] },
    { name: "one package by a range", flags: ["--include-package", "console@>=1.44", "--no-modules"] },
    { name: "an exact tag", flags: ["--include-package", "alb@=v1.0.2", "--no-package-versions"] },
  ])("totals of $name are what the pull receives", async ({ flags }) => {
    await using source = await aSource();
    const planned = report<{ readonly totals: DownloadTotals; readonly missing: unknown }>(
      await done("plan", source, "--json", ...flags),
    );
    const pulled = report<PullReport>(await done("pull", source, tempFolder(), "--json", ...flags));
    const { totals } = planned;
    expect(totals.images).toBeGreaterThan(0);
    expect({
      archives: pulled.archives.length,
      images: pulled.images,
      blobs: pulled.fetched.blobs,
      fetchBytes: pulled.fetched.bytes,
      storedBytes: pulled.fetched.bytes + pulled.copied.bytes,
      assumed: pulled.assumed,
    }).toEqual(totals);
    expect(pulled.missing).toEqual(planned.missing);
  });

  test("--diff tells which tags came, went and moved since a lock or a plan, and what is new", async () => {
    await using source = await aSource();
    const bundle = tempFolder();
    await done("pull", source, bundle, "--include-package", "alb", "--no-package-versions");
    const since = ["--diff", join(bundle, lockFileName), "--no-package-versions"];
    expect(await done("plan", source, ...since, "--include-package", "alb")).toMatch(
      /^no tag has changed; 0 blobs new/m,
    );

    const image = anImage({ tag: "v1.1.0", seed: "moved" });
    source.seed("demo/fe/packages/alb", image);
    const human = await done("plan", source, ...since, "--include-package", "alb");
    expect(human).toMatch(/^packages\/alb\n {2}~ v1\.1\.0 +sha256:[0-9a-f]{12} -> sha256:[0-9a-f]{12}$/m);
    expect(human).toMatch(/^0 tags added, 0 removed, 1 moved; 3 blobs new/m);
    const { diff } = report<{ readonly diff: DownloadListDiff }>(
      await done("plan", source, ...since, "--json", "--include-package", "alb"),
    );
    const bytes = [image.manifest.descriptor, ...image.blobs].reduce((sum, { size }) => sum + size, 0);
    expect(diff.new).toEqual({ blobs: 3, bytes });
    expect(diff.repositories).toMatchObject([{ moved: [{ to: image.manifest.descriptor.digest }] }]);
  });

  test("--explain is wrong usage together with --diff and --output", async () => {
    const run = await runProgram("plan", "--source", "localhost:1/a", "--explain", "--diff", "p");
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining("--explain and --diff exclude each other") });
    const written = await runProgram("plan", "--source", "localhost:1/a", "--explain", "-o", "p");
    expect(written).toMatchObject({ code: 2, stderr: expect.stringContaining("nothing for --output") });
  });
});
