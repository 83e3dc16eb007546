import { existsSync } from "node:fs";
import { join } from "node:path";
import { createRegistry } from "@tranship/registry";
import { anImage, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { pushImage, seedProduct } from "../support/product.ts";
import { runProgram } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** A source with two packages below `demo/fe`, and one module below each of these paths. */
async function aSource({ modulesAt = ["modules"] }: { readonly modulesAt?: readonly string[] } = {}) {
  const registry = await startTestRegistry();
  await using client = createRegistry(`${registry.host}/demo/fe`);
  await seedProduct(client);
  for (const [at, root] of modulesAt.entries()) {
    const below = (path: string) => (root === "" ? path : path === "" ? root : `${root}/${path}`);
    const name = `net${at}`;
    await pushImage(client, below(""), anImage({ tag: name }));
    const files = { "extra_images.json": '{"helper":"v7"}' };
    await pushImage(client, below(name), anImage({ tag: "v1.0.0", files, seed: name }));
    const release = anImage({
      tags: ["v1.0.0", "stable"],
      files: { "version.json": '{"version":"v1.0.0"}' },
      seed: name,
    });
    await pushImage(client, below(`${name}/release`), release);
    await pushImage(client, below(`${name}/extra/helper`), anImage({ tag: "v7", seed: name }));
  }
  registry.reset();
  return registry;
}

/** `tranship plan` of the source: archives by name, and what was said. */
async function planned(source: TestRegistry, ...flags: readonly string[]) {
  const run = await runProgram("plan", "--source", `${source.host}/demo/fe`, "-o", "-", ...flags);
  const list =
    run.code === 0 ? (JSON.parse(run.stdout) as { archives: { archive: string; sections: Section[] }[] }) : undefined;
  const archives = list?.archives.map(({ archive }) => archive) ?? [];
  const paths = list?.archives.flatMap(({ sections }) =>
    sections.flatMap(({ repositories }) => repositories.map(({ path, source: from }) => [path, from] as const)),
  );
  return { ...run, archives, paths: new Map(paths) };
}

interface Section {
  readonly repositories: readonly { readonly path: string; readonly source: string }[];
}

describe("a command line that makes no sense", () => {
  test.for([
    {
      flags: ["--include-package", "console", "--exclude-package", "alb"],
      said: "--include-package and --exclude-package",
    },
    { flags: ["-i", "net0", "-e", "x"], said: "--include-module and --exclude-module exclude each other" },
    { flags: ["--no-packages", "--include-package", "console"], said: "--no-packages and --include-package" },
    { flags: ["--no-packages", "--no-package-versions", "--no-modules"], said: "nothing to do" },
    {
      flags: ["--include-package", "console@"],
      said: '--include-package: cannot read "console@": nothing follows the @',
    },
    { flags: ["--exclude-package", "console@ "], said: '--exclude-package: cannot read "console@ "' },
    { flags: ["--include-module", "net0@"], said: "--include-module: cannot read" },
    { flags: ["--exclude-module", "net0@"], said: "--exclude-module: cannot read" },
    { flags: ["--include-package", "alb", "--include-package", "console@>=foo"], said: '"console@>=foo"' },
    { flags: ["--include-package", "console@=>1.3.0"], said: "write console@>=1.3.0" },
    { flags: ["--modules-path-suffix", "../x"], said: "--modules-path-suffix ../x: it is no path" },
    { flags: ["--proxy-registry"], said: "requires --include-module" },
    { flags: ["--proxy-registry", "-i", "net0"], said: 'explicit version constraint for net0: write "net0@^1.0.0"' },
    { flags: ["--proxy-registry", "--no-modules"], said: "nothing to do" },
    { flags: ["--proxy-registry", "--no-modules", "--include-package", "console"], said: 'write "console@^1.0.0"' },
    { flags: ["--proxy-registry", "--no-modules", "--only-extra-images"], said: "requires --include-module" },
  ])("$flags: $said", async ({ flags, said }) => {
    await using source = await startTestRegistry();
    const folder = join(tempFolder(), "bundle");
    const run = await runProgram("pull", folder, "--source", `${source.host}/demo/fe`, ...flags);
    expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(said) });
    expect(source.requests()).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  test("an empty constraint is explained by what shells do to > and <", async () => {
    const { stderr } = await runProgram("plan", "--source", "127.0.0.1:1/x", "--include-module", "net0@");
    expect(stderr).toContain("write net0@>=1.2.3 in quotes");
    expect(stderr).toContain("redirections");
    expect(stderr).toContain("variable");
  });
});

describe("what is brought", () => {
  test.for([
    { flags: [], archives: ["module-net0.tar", "package-alb.tar", "package-console.tar", "package-versions.tar"] },
    { flags: ["--no-modules"], archives: ["package-alb.tar", "package-console.tar", "package-versions.tar"] },
    { flags: ["--no-packages"], archives: ["module-net0.tar", "package-versions.tar"] },
    { flags: ["--no-packages", "--no-package-versions"], archives: ["module-net0.tar"] },
    { flags: ["--no-package-versions", "-e", "net0"], archives: ["package-alb.tar", "package-console.tar"] },
    { flags: ["--exclude-package", "alb", "--no-modules"], archives: ["package-console.tar", "package-versions.tar"] },
    {
      flags: ["--only-extra-images", "--no-modules", "--no-packages"],
      archives: ["module-net0.tar", "package-versions.tar"],
    },
  ])("$flags: $archives", async ({ flags, archives }) => {
    await using source = await aSource();
    const run = await planned(source, ...flags);
    expect(run.archives).toEqual(archives);
    expect(run.stderr).toBe("");
  });

  test("modules that are named are brought in spite of --no-modules, with a warning", async () => {
    await using source = await aSource();
    const run = await planned(source, "--no-modules", "--include-module", "net0", "--no-packages");
    expect(run.archives).toEqual(["module-net0.tar", "package-versions.tar"]);
    expect(run.stderr).toMatch(/^warning: --no-modules is overruled by --include-module.*\n$/);
  });

  test.for([
    { suffix: "/", root: "" },
    { suffix: "/my/mods/", root: "my/mods" },
    { suffix: "mods", root: "mods" },
    { suffix: "", root: "modules" },
  ])(
    "--modules-path-suffix $suffix reads them from %root, and they stay modules in the bundle",
    async ({ suffix, root }) => {
      await using source = await aSource({ modulesAt: [root] });
      const run = await planned(
        source,
        "--no-packages",
        "--no-package-versions",
        "--modules-path-suffix",
        suffix,
        "-i",
        "net0",
      );
      const from = `${source.host}/demo/fe${root === "" ? "" : `/${root}`}`;
      expect([...run.paths]).toEqual([
        ["modules/net0/release", `${from}/net0/release`],
        ["modules/net0", `${from}/net0`],
        ["modules/net0/extra/helper", `${from}/net0/extra/helper`],
      ]);
    },
  );

  test("--only-extra-images brings nothing else of modules", async () => {
    await using source = await aSource();
    const run = await planned(source, "--only-extra-images", "--no-package-versions", "-e", "x");
    expect([...run.paths.keys()]).toEqual(["modules/net0/extra/helper"]);
  });
});

describe("a proxy", () => {
  const proxy = ["--proxy-registry", "--referrers", "none"];

  test("is asked for no list, and without names of packages these are left out with a warning", async () => {
    await using source = await aSource();
    const run = await planned(source, ...proxy, "-i", "net0@^1.0.0");
    expect(run.archives).toEqual(["module-net0.tar"]);
    expect(run.stderr).toMatch(/^warning: packages are left out: a proxy lists none.*\n$/);
    expect(source.requests().filter(({ path }) => path.endsWith("/tags/list"))).toEqual([]);
  });

  test("that is not to bring packages is not warned about", async () => {
    await using source = await aSource();
    const run = await planned(source, ...proxy, "-i", "net0@^1.0.0", "--no-packages");
    expect(run).toMatchObject({ archives: ["module-net0.tar"], stderr: "" });
  });

  test("brings the packages that are named, and their channels for the catalog", async () => {
    await using source = await aSource();
    const run = await planned(source, ...proxy, "--no-modules", "--include-package", "console@~1.45.1");
    expect(run.archives).toEqual(["package-console.tar", "package-versions.tar"]);
    expect(source.requests().filter(({ path }) => path.endsWith("/tags/list"))).toEqual([]);
  });
});

describe("--explain", () => {
  test("says of every tag why, and plans nothing", async () => {
    await using source = await aSource();
    const from = `${source.host}/demo/fe`;
    const range = "console@>=1.45.1 <1.46";
    const run = await runProgram("plan", "--source", from, "--explain", "--no-modules", "--include-package", range);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout.split("\n").map((line) => line.trim())).toEqual([
      `${from}/packages/console: its release channels, >=1.45.1 <1.46`,
      expect.stringMatching(/^- v1\.46\.0 +outside the range$/),
      expect.stringMatching(/^\+ v1\.45\.2 +the newest patch of its line$/),
      expect.stringMatching(/^\+ v1\.45\.1 +a bound of the range$/),
      expect.stringMatching(/^- v1\.44\.0 +outside the range$/),
      "",
    ]);
    const manifests = source.requests().filter(({ path }) => path.includes("/manifests/"));
    expect(manifests).toEqual([]);
  });

  test("with --json gives the verdicts", async () => {
    await using source = await aSource();
    const from = `${source.host}/demo/fe`;
    const flags = ["--no-modules", "--include-package", "alb@=v1.1.0", "--include-package", "alb@~1.0", "--json"];
    const { code, stdout } = await runProgram("plan", "--source", from, "--explain", ...flags);
    expect(code).toBe(0);
    expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
      names: [
        {
          name: "alb",
          repository: `${from}/packages/alb`,
          verdicts: [
            { tag: "v1.1.0", isSelected: true, why: "exact" },
            { tag: "v1.0.3", isSelected: true, why: "newest-patch" },
            { tag: "v1.0.2", isSelected: false, why: "older-patch", instead: "v1.0.3" },
          ],
        },
      ],
    });
  });
});
