import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  cleanBundle,
  isMirrorError,
  lockFileName,
  type MirrorEvent,
  parseLockFile,
  repairBundle,
  verifyBundle,
} from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { faults, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { aSource, digests, pullInto, pullUntilAlb, readPlan } from "../support/mirror.ts";
import { runProgram } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** Everything in a folder, with the bytes of its files; folders by name. */
function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length), entry.isFile() ? readFileSync(path, "base64") : "not a file"];
    }),
  );
}

/** A folder with a finished bundle of the package console. */
async function aBundleOfConsole(registry: TestRegistry): Promise<string> {
  const folder = tempFolder();
  await pullInto(folder, registry.host, ["console"]);
  registry.reset();
  return folder;
}

async function findings(folder: string): Promise<readonly string[]> {
  await using bundle = await Bundle.open(folder);
  return (await verifyBundle(bundle)).findings.map(({ message }) => message);
}

describe("cleaning a bundle", () => {
  test("after a first pull that finished one archive keeps it, and the lock file lists it and nothing else", async () => {
    await using registry = await aSource();
    const [folder, whole] = [tempFolder(), tempFolder()];
    await pullUntilAlb(registry, folder);
    const before = digests(folder);
    const report = await cleanBundle(folder);
    const finished = Object.keys(before);
    expect(report).toMatchObject({ abandoned: true, lock: "written", archives: finished, unlisted: [] });
    expect(report.removed.map(({ name }) => name)).toContain("package-console.tar.partial");
    expect(report.removed.map(({ name }) => name).at(-1)).toBe(".tranship/plan.ndjson");
    expect(readdirSync(folder).sort()).toEqual([...finished, lockFileName]);
    expect(digests(folder)).toEqual(before);
    expect(await findings(folder)).toEqual([]);
    await pullInto(whole, registry.host, ["alb"]);
    const isAlb = ({ archive }: { readonly archive: string }) => archive === "package-alb.tar";
    expect(readPlan(folder).archives.find(isAlb)).toEqual(readPlan(whole).archives.find(isAlb));
  });

  test("with nothing finished leaves a folder without a bundle", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    registry.fail(faults.status(403), { match: ({ path }) => path.includes("/blobs/"), times: 999 });
    await expect(pullInto(folder, registry.host)).rejects.toThrow("403");
    expect(readdirSync(folder).length).toBeGreaterThan(1);
    expect(await cleanBundle(folder)).toMatchObject({ abandoned: true, lock: "none", archives: [] });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("that a pull had not begun to replace leaves it as it was", async () => {
    await using registry = await aSource();
    const folder = await aBundleOfConsole(registry);
    const before = contents(folder);
    registry.fail(faults.status(403), { match: ({ path }) => path.includes("/blobs/"), times: 999 });
    await expect(pullInto(folder, registry.host, ["alb"])).rejects.toThrow("403");
    expect(await cleanBundle(folder)).toMatchObject({
      abandoned: true,
      lock: "kept",
      archives: ["package-console.tar", "package-versions.tar"],
    });
    expect(contents(folder)).toEqual(without(before, "/.tranship"));
  });

  test("whose lock file was aside and whose archives are all as they were puts it back", async () => {
    await using registry = await aSource();
    const folder = await aBundleOfConsole(registry);
    const before = contents(folder);
    renameSync(join(folder, lockFileName), join(folder, ".tranship", `previous-${lockFileName}`));
    const report = await cleanBundle(folder);
    expect(report).toMatchObject({ abandoned: true, lock: "restored", removed: [] });
    expect(contents(folder)).toEqual(without(before, "/.tranship"));
  });

  test("that was half replaced lists both what the pull had finished and what is left of the bundle before", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["console@=v1.44.0"]);
    const before = readPlan(folder);
    await pullUntilAlb(registry, folder);
    expect(existsSync(join(folder, lockFileName))).toBe(false);
    const report = await cleanBundle(folder);
    expect(report).toMatchObject({ lock: "written", archives: Object.keys(digests(folder)), unlisted: [] });
    const isConsole = ({ archive }: { readonly archive: string }) => archive === "package-console.tar";
    expect(report.archives).toContain("package-alb.tar");
    expect(readPlan(folder).archives.filter(isConsole)).toEqual(before.archives.filter(isConsole));
    expect(await findings(folder)).toEqual([]);
  });

  test("does not list an archive that is not what any plan says, and leaves it where it is", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullUntilAlb(registry, folder);
    const finished = Object.keys(digests(folder));
    for (const name of finished) appendFileSync(join(folder, name), "x");
    writeFileSync(join(folder, "package-other.tar"), "somebody's");
    const unlisted = [...finished, "package-other.tar"].sort();
    expect(await cleanBundle(folder)).toMatchObject({ lock: "none", archives: [], unlisted });
    expect(readdirSync(folder).sort()).toEqual(unlisted);
  });

  test("lists an archive that a pull given up for another one had finished", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullUntilAlb(registry, folder);
    registry.fail(faults.status(403), { match: ({ path }) => path.includes("packages/console/blobs/"), times: 999 });
    await expect(pullInto(folder, registry.host, ["console"])).rejects.toThrow("403");
    expect(readdirSync(join(folder, ".tranship"))).toContain("stale-0");
    const report = await cleanBundle(folder);
    expect(report.archives).toContain("package-alb.tar");
    expect(report.removed.map(({ name }) => name)).toContain(".tranship/stale-0");
    expect(await findings(folder)).toEqual([]);
  });

  test("in chunks puts the lock file back, and takes away chunks of an archive whose publication was cut short", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["alb"], { chunkBytes: 20_000 });
    const before = contents(folder);
    const aside = join(folder, ".tranship", `previous-${lockFileName}`);
    renameSync(join(folder, lockFileName), aside);
    expect(await cleanBundle(folder)).toMatchObject({ lock: "restored" });
    expect(contents(folder)).toEqual(without(before, "/.tranship"));
    mkdirSync(join(folder, ".tranship"));
    renameSync(join(folder, lockFileName), aside);
    const first = join(folder, "package-alb.tar.0000.chunk");
    renameSync(first, `${first}.partial`);
    const report = await cleanBundle(folder);
    expect(report).toMatchObject({ lock: "written", archives: ["package-versions.tar"], unlisted: [] });
    expect(report.removed.map(({ name }) => name)).toContain("package-alb.tar.0001.chunk");
    expect(Object.keys(contents(folder)).filter((name) => name.includes("alb"))).toEqual([]);
    expect(await findings(folder)).toEqual([]);
  });

  test.for([
    { name: "a whole archive that was to take its place", partial: "package-alb.tar.partial" },
    { name: "nothing, as it was to go", partial: undefined },
  ])("takes away chunks of an archive whose first one gave way to $name", async ({ partial }) => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["alb"], { chunkBytes: 20_000 });
    renameSync(join(folder, lockFileName), join(folder, ".tranship", `previous-${lockFileName}`));
    rmSync(join(folder, "package-alb.tar.0000.chunk"));
    if (partial !== undefined) writeFileSync(join(folder, partial), "");
    writeFileSync(join(folder, "package-foreign.tar.0001.chunk"), "");
    const report = await cleanBundle(folder);
    expect(report).toMatchObject({ archives: ["package-versions.tar"], unlisted: ["package-foreign.tar"] });
    rmSync(join(folder, "package-foreign.tar.0001.chunk"));
    expect(Object.keys(contents(folder)).filter((name) => name.includes("alb"))).toEqual([]);
    expect(await findings(folder)).toEqual([]);
  });

  test("leaves chunks of a finished bundle alone, also where the first one is missing", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["alb"], { chunkBytes: 20_000 });
    rmSync(join(folder, "package-alb.tar.0000.chunk"));
    const before = contents(folder);
    expect(await cleanBundle(folder)).toMatchObject({ removed: [], lock: "kept" });
    expect(without(contents(folder), "/.tranship")).toEqual(without(before, "/.tranship"));
  });

  test("gives up a repair without another chunk size for what was right", async () => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo/fe`);
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["alb"], { chunkBytes: 1_000_000 });
    const sizes = () => {
      const lock = parseLockFile(readFileSync(join(folder, lockFileName), "utf8"), lockFileName);
      return Object.fromEntries(lock.files.map(({ archive, chunkBytes }) => [archive, chunkBytes]));
    };
    appendFileSync(join(folder, "package-alb.tar.0000.chunk"), "junk");
    const stop = new AbortController();
    const onEvent = ({ type }: MirrorEvent) =>
      type === "item.started" ? stop.abort(new Error("interrupted")) : undefined;
    await expect(repairBundle(folder, { source, onEvent, signal: stop.signal })).rejects.toThrow("interrupted");
    await cleanBundle(folder);
    expect(sizes()).toEqual({ "package-versions.tar": 1_000_000 });
  });

  test("keeps checksums of archives, files that are not ours and what links lead to, and names what is foreign", async () => {
    await using registry = await aSource();
    const [folder, elsewhere] = [tempFolder(), tempFolder()];
    await pullUntilAlb(registry, folder);
    writeFileSync(join(elsewhere, "kept"), "kept");
    symlinkSync(join(elsewhere, "kept"), join(folder, "package-x.tar.partial"));
    symlinkSync(elsewhere, join(folder, ".tranship", "stale-7"));
    for (const name of ["package-alb.tar.sha256", "package-gone.tar.sha256", "notes.partial"]) {
      writeFileSync(join(folder, name), name);
    }
    writeFileSync(join(folder, "package-alb.tar.gostsum.tmp"), "torn");
    const finished = Object.keys(digests(folder));
    const { foreign } = await cleanBundle(folder);
    expect(foreign).toEqual(["notes.partial", "package-gone.tar.sha256", "package-x.tar.partial"]);
    expect(readFileSync(join(elsewhere, "kept"), "utf8")).toBe("kept");
    expect(readdirSync(folder).sort()).toEqual(
      [...finished, "package-alb.tar.sha256", lockFileName, ...foreign].sort(),
    );
  });

  test("cut short behind the lock file goes on the next time", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullUntilAlb(registry, folder);
    const journal = readFileSync(join(folder, ".tranship", "plan.ndjson"));
    const { lock } = await cleanBundle(folder);
    const done = contents(folder);
    mkdirSync(join(folder, ".tranship"));
    writeFileSync(join(folder, ".tranship", "plan.ndjson"), journal);
    expect([lock, (await cleanBundle(folder)).lock]).toEqual(["written", "kept"]);
    expect(contents(folder)).toEqual(done);
  });

  test("is refused while a pull runs, for a dry run too, and touches nothing", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullUntilAlb(registry, folder);
    await using _pull = await BundleDirectory.open(folder);
    const before = readdirSync(folder, { recursive: true });
    for (const dryRun of [false, true]) {
      await expect(cleanBundle(folder, { dryRun })).rejects.toSatisfy(
        (error) => isMirrorError(error, "BUNDLE_LOCKED") && error.message.includes(`process ${process.pid}`),
      );
    }
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
  });

  test("refuses a folder that is no bundle, and one whose work folder leads elsewhere", async () => {
    const [folder, elsewhere] = [tempFolder(), tempFolder()];
    writeFileSync(join(folder, "platform.tar.partial"), "somebody's");
    for (const place of [folder, join(folder, "gone")]) {
      await expect(cleanBundle(place)).rejects.toSatisfy((error) => isMirrorError(error, "BUNDLE_NOT_FOUND"));
    }
    expect(readdirSync(folder)).toEqual(["platform.tar.partial"]);
    writeFileSync(join(elsewhere, "plan.ndjson"), "somebody's");
    symlinkSync(elsewhere, join(folder, ".tranship"));
    await expect(cleanBundle(folder)).rejects.toThrow("symbolic link");
    expect(readdirSync(elsewhere)).toEqual(["plan.ndjson"]);
  });
});

describe("tranship clean", () => {
  test("lists and changes nothing with --dry-run, also where nothing can be written", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullUntilAlb(registry, folder);
    rmSync(join(folder, ".tranship", "lock"));
    const before = contents(folder);
    for (const path of [join(folder, ".tranship"), folder]) chmodSync(path, 0o555);
    const run = await runProgram("clean", folder, "--dry-run");
    for (const path of [folder, join(folder, ".tranship")]) chmodSync(path, 0o755);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain("package-console.tar.partial");
    expect(run.stdout).toContain("would give up the unfinished pull");
    expect(contents(folder)).toEqual(before);
  });

  test("has nothing to do in a finished bundle, and says so", async () => {
    await using registry = await aSource();
    const folder = await aBundleOfConsole(registry);
    const before = contents(folder);
    const run = await runProgram("clean", folder, "--json");
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ command: "clean", abandoned: false, removed: [], lock: "kept" });
    expect(contents(folder)).toEqual(before);
  });
});

function without(contents: Readonly<Record<string, string>>, start: string): Record<string, string> {
  return Object.fromEntries(Object.entries(contents).filter(([path]) => !path.startsWith(start)));
}
