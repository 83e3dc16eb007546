import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  isMirrorError,
  type LockFile,
  listPlanner,
  lockFileName,
  type MirrorEvent,
  PackagesService,
  parseLockFile,
  plan,
  pull,
  verifyBundle,
} from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { aLayer, anImage, type Fault, faults, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { aSource, digests, pullInto } from "../support/mirror.ts";
import { pushImage } from "../support/product.ts";
import { runProgram } from "../support/run-program.ts";
import { runToEnd, startTranship } from "../support/start-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";

type Request = ReturnType<TestRegistry["requests"]>[number];

const albs = ({ path }: Request): boolean => path.includes("/packages/alb/blobs/");
const blobsAsked = (registry: TestRegistry) => registry.requests().filter(({ path }) => path.includes("/blobs/"));

/** Keeps requests waiting until told otherwise, and then answers with `status`. */
function heldBack(status: number) {
  const gate = Promise.withResolvers<void>();
  const interception = { before: () => gate.promise, answer: { status, body: "" } };
  const fault: Fault = { begin: () => () => interception };
  return { fault, release: gate.resolve };
}

function lockOf(folder: string): LockFile {
  return parseLockFile(readFileSync(join(folder, lockFileName), "utf8"), lockFileName);
}

function journalIn(folder: string): boolean {
  return existsSync(join(folder, ".tranship", "plan.ndjson"));
}

const partials = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".partial"));

/** The digest of the layer that only alb v1.1.0 has. */
const ownLayer = aLayer({ files: { "bin/app": "v1.1.0" }, size: 20_000, seed: "alb v1.1.0" }).digest;
const ownLayers = ({ path }: Request): boolean => path.endsWith(`/packages/alb/blobs/${ownLayer}`);

describe("the first failure of a pull", () => {
  test("ends it; what was complete stays, and the same pull fetches only what was left", async () => {
    await using registry = await aSource();
    const [whole, folder] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host);
    registry.reset();
    const { fault, release } = heldBack(403);
    registry.fail(fault, { match: albs });
    const others = new Set(["package-console.tar", "package-versions.tar"]);
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "archive.finished") others.delete(event.archive);
      if (others.size === 0) release();
    };
    await expect(pullInto(folder, registry.host, [], { onEvent })).rejects.toSatisfy(
      (error) => isMirrorError(error, "TRANSFER_FAILED") && error.details.code === "FORBIDDEN",
    );
    const expected = digests(whole);
    expect(digests(folder)).toEqual({
      "package-console.tar": expected["package-console.tar"],
      "package-versions.tar": expected["package-versions.tar"],
    });
    expect(partials(folder)).toEqual(["package-alb.tar.partial"]);
    expect(journalIn(folder)).toBe(true);
    await expect(Bundle.open(folder)).rejects.toSatisfy((error) => isMirrorError(error, "BUNDLE_UNFINISHED"));

    registry.reset();
    await pullInto(folder, registry.host);
    expect(digests(folder)).toEqual(expected);
    expect(blobsAsked(registry).filter((request) => !albs(request))).toEqual([]);
    expect(journalIn(folder)).toBe(false);
  });

  test("leaves nothing decided that hung on a refusal: the same pull asks again", async () => {
    await using registry = await aSource();
    const [whole, folder] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host);
    registry.reset();
    registry.fail(faults.status(403), { match: ({ path }) => path.includes("/packages/console/version/tags/list") });
    const { fault, release } = heldBack(403);
    registry.fail(fault, { match: ownLayers });
    const warnings: string[] = [];
    const others = new Set(["package-console.tar", "package-versions.tar"]);
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "warning.raised") warnings.push(event.code);
      if (event.type === "archive.finished") others.delete(event.archive);
      if (others.size === 0) release();
    };
    await expect(pullInto(folder, registry.host, [], { onEvent })).rejects.toThrow();
    expect(warnings).toContain("IMAGE_UNUSABLE");
    const expected = digests(whole);
    expect(digests(folder)["package-versions.tar"]).not.toBe(expected["package-versions.tar"]);

    registry.reset();
    await pullInto(folder, registry.host);
    expect(digests(folder)).toEqual(expected);
    expect(blobsAsked(registry).filter(({ path }) => path.includes("/packages/console/blobs/"))).toEqual([]);
  });

  test("is met at once: no other blob is asked for", async () => {
    await using registry = await aSource();
    registry.fail(faults.status(403), { match: albs });
    let failedAt = Number.POSITIVE_INFINITY;
    await pullInto(tempFolder(), registry.host).catch(() => {
      failedAt = registry.requests().length;
    });
    await using source = createRegistry(registry.host); // a request of its own: those before it have arrived
    await source.repository("demo/fe/packages").resolve("alb");
    expect(registry.requests()).toHaveLength(failedAt + 1);
  });
});

describe("a pull that is to keep going", () => {
  test("finishes the others, says what failed, and run again fetches only that", async () => {
    await using registry = await aSource();
    const [whole, folder] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host);
    registry.reset();
    registry.fail(faults.status(403), { match: ownLayers });
    const events: MirrorEvent[] = [];
    const report = await pullInto(folder, registry.host, [], {
      keepGoing: true,
      onEvent: (event) => events.push(event),
    });
    const failed = {
      component: "packages",
      item: "alb",
      archive: "package-alb.tar",
      code: "TRANSFER_FAILED",
      message: expect.stringContaining(ownLayer),
    };
    expect(report.failed).toEqual([failed]);
    expect(events.filter(({ type }) => type === "item.failed")).toEqual([{ type: "item.failed", ...failed }]);
    expect(report.archives.map(({ archive }) => archive)).toEqual(["package-console.tar", "package-versions.tar"]);
    expect(partials(folder)).toEqual(["package-alb.tar.partial"]);
    const { failed: locked, files } = lockOf(folder);
    expect(locked).toEqual([failed]);
    expect(files.map(({ archive }) => archive)).toEqual(["package-console.tar", "package-versions.tar"]);
    {
      const told: MirrorEvent[] = [];
      await using bundle = await Bundle.open(folder, { onEvent: (event) => told.push(event) });
      expect((await verifyBundle(bundle)).findings).toEqual([]);
      const message = expect.stringContaining("went on without packages: alb");
      expect(told).toEqual([{ type: "warning.raised", code: "ITEMS_FAILED", message }]);
    }

    registry.reset();
    expect((await pullInto(folder, registry.host, [], { keepGoing: true })).failed).toEqual([]);
    expect(digests(folder)).toEqual(digests(whole));
    expect(lockOf(folder)).toEqual(lockOf(whole));
    expect(blobsAsked(registry).map(({ path }) => path.slice(path.lastIndexOf("/") + 1))).toEqual([ownLayer]);
    expect([...partials(folder), journalIn(folder)]).toEqual([false]);
  });

  test("goes on inside the blob that failed", async () => {
    await using registry = await aSource();
    const [whole, folder] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host);
    registry.fail(faults.status(403), { match: (request) => ownLayers(request) && request.range !== undefined });
    registry.fail(faults.cutAfter(9000), { match: ownLayers });
    expect((await pullInto(folder, registry.host, [], { keepGoing: true })).failed).toHaveLength(1);
    registry.reset();
    const { fetched } = await pullInto(folder, registry.host);
    expect(digests(folder)).toEqual(digests(whole));
    const [only, ...more] = blobsAsked(registry);
    expect(only).toMatchObject({ range: expect.stringMatching(/^bytes=[1-9]/) });
    expect(more).toEqual([]);
    expect(fetched.bytes).toBe(only?.bytesSent);
  });

  test("leaves the older archive of what failed as it was, with its place in the lock", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host);
    const [before, old] = [lockOf(folder), digests(folder)];
    await using vendor = createRegistry(`${registry.host}/demo/fe`);
    for (const name of ["alb", "console"]) {
      const files = { "version.json": JSON.stringify({ version: "v9.0.0" }) };
      await pushImage(vendor, `packages/${name}`, anImage({ tag: "v9.0.0", size: 9000, seed: name }));
      await pushImage(vendor, `packages/${name}/version`, anImage({ tags: ["v9.0.0", "alpha"], files, seed: name }));
    }
    registry.fail(faults.status(500), { match: ({ path }) => path.endsWith("/packages/alb/manifests/v9.0.0") });
    const report = await pullInto(folder, registry.host, [], { keepGoing: true });
    expect(report.failed.map(({ archive }) => archive)).toEqual(["package-alb.tar"]);
    expect(report.archives.map(({ archive }) => archive)).toEqual(["package-console.tar", "package-versions.tar"]);
    const after = lockOf(folder);
    const entry = (lock: LockFile) => [
      lock.archives.find(({ archive }) => archive === "package-alb.tar"),
      lock.files.find(({ archive }) => archive === "package-alb.tar"),
    ];
    expect(entry(after)).toEqual(entry(before));
    expect(digests(folder)["package-alb.tar"]).toBe(old["package-alb.tar"]);
    expect(digests(folder)["package-console.tar"]).not.toBe(old["package-console.tar"]);
    await using bundle = await Bundle.open(folder);
    expect((await verifyBundle(bundle)).findings).toEqual([]);

    registry.reset();
    const fresh = tempFolder();
    await pullInto(fresh, registry.host);
    await pullInto(folder, registry.host, [], { keepGoing: true });
    expect(digests(folder)).toEqual(digests(fresh));
    expect(lockOf(folder)).toEqual(lockOf(fresh));
  });

  test("that believed no archive has the next write again only what it went on without", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host);
    const right = digests(folder);
    const alb = join(folder, "package-alb.tar");
    const bytes = readFileSync(alb);
    const at = bytes.indexOf(aLayer({ files: { "bin/app": "v1.1.0" }, size: 20_000, seed: "alb v1.1.0" }).bytes) + 9000;
    bytes[at] = 255 - (bytes[at] ?? 0); // it has rotted, and its headers do not show it
    writeFileSync(alb, bytes);
    for (const [restart, match] of [
      [true, /\/packages\/alb\/manifests\//],
      [false, ownLayers],
    ] as const) {
      registry.reset();
      registry.fail(faults.status(403), { match });
      const { archives, failed } = await pullInto(folder, registry.host, [], { keepGoing: true, restart });
      const outcome = restart ? "written" : "unchanged";
      expect(archives.map((one) => one.outcome)).toEqual([outcome, outcome]);
      expect(failed.map(({ archive }) => archive)).toEqual(["package-alb.tar"]);
    }
    registry.reset();
    const { archives } = await pullInto(folder, registry.host);
    expect(archives.map(({ outcome }) => outcome)).toEqual(["written", "unchanged", "unchanged"]);
    expect(digests(folder)).toEqual(right);
  });

  test("plans anew what failed: a version that takes the place of one that is gone is brought", async () => {
    await using registry = await aSource();
    const [folder, fresh] = [tempFolder(), tempFolder()];
    registry.fail(faults.status(404), { match: ownLayers });
    expect((await pullInto(folder, registry.host, [], { keepGoing: true })).failed).toHaveLength(1);
    await using vendor = createRegistry(`${registry.host}/demo/fe`);
    const files = { "version.json": JSON.stringify({ version: "v1.0.2" }) };
    await pushImage(vendor, "packages/alb/version", anImage({ tags: ["alpha", "beta"], files }));
    registry.reset();
    registry.fail(faults.status(404), { match: ownLayers });
    expect((await pullInto(folder, registry.host, [], { keepGoing: true })).failed).toEqual([]);
    await pullInto(fresh, registry.host);
    expect(digests(folder)).toEqual(digests(fresh));
  });

  test("asked for something else, takes bytes from what was left; another component's failures stay in the lock", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    registry.fail(faults.status(403), { match: ownLayers });
    await pullInto(folder, registry.host, [], { keepGoing: true });
    registry.reset();
    const { failed } = lockOf(folder);
    {
      await using source = createRegistry(`${registry.host}/demo/fe`);
      await using bundle = await BundleDirectory.open(folder);
      await new PackagesService({ source }).pullPackageVersions({ to: bundle });
    }
    expect([failed?.length, lockOf(folder).failed]).toEqual([1, failed]);

    registry.fail(faults.status(403), { match: ownLayers });
    await pullInto(folder, registry.host, [], { keepGoing: true });
    registry.reset();
    const { fetched } = await pullInto(folder, registry.host, ["alb"]);
    expect(fetched.blobs).toBe(1);
    expect(Object.keys(digests(folder))).toEqual(["package-alb.tar", "package-versions.tar"]);
    expect(lockOf(folder).failed).toBeUndefined();
  });

  test("lets no other item fail with the one whose fetch it waited for", async () => {
    await using registry = await aSource([]);
    await using vendor = createRegistry(`${registry.host}/demo/fe`);
    const shared = aLayer({ size: 20_000, seed: "shared" });
    for (const name of ["denied", "open"]) {
      const own = aLayer({ size: 1000, seed: name });
      const files = { "version.json": JSON.stringify({ version: "v1.0.0" }) };
      await pushImage(vendor, "packages", anImage({ tag: name }));
      await pushImage(vendor, `packages/${name}`, anImage({ tag: "v1.0.0", layers: [own, shared], seed: name }));
      await pushImage(vendor, `packages/${name}/version`, anImage({ tag: "stable", files, seed: name }));
    }
    registry.reset();
    const { fault, release } = heldBack(403);
    registry.fail(fault, { match: ({ path }) => path.endsWith(`/packages/denied/blobs/${shared.digest}`) });
    const ownDigest = aLayer({ size: 1000, seed: "open" }).digest;
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "blob.finished" && event.digest === ownDigest) release(); // by now it waits for the shared one
    };
    const folder = tempFolder();
    const report = await pullInto(folder, registry.host, ["open@=v1.0.0", "denied@=v1.0.0"], {
      keepGoing: true,
      onEvent,
    });
    expect(report.failed.map(({ item }) => item)).toEqual(["denied"]);
    expect(report.archives.map(({ archive }) => archive)).toContain("package-open.tar");
  });

  test("ends at once when the catalog cannot be listed, or the source refuses everything", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    const denied = (error: unknown) => isMirrorError(error, "TRANSFER_FAILED") && error.details.code === "UNAUTHORIZED";
    for (const match of [/\/tags\/list$/, /\/manifests\//]) {
      registry.reset();
      registry.fail(faults.status(401), { match });
      await expect(pullInto(folder, registry.host, [], { keepGoing: true })).rejects.toSatisfy(denied);
      expect(existsSync(join(folder, lockFileName))).toBe(false);
    }
    registry.reset();
    registry.fail(faults.status(401), { match: ({ path }) => path.includes("/packages/alb/manifests/") });
    const { failed } = await pullInto(folder, registry.host, [], { keepGoing: true });
    expect(failed.map(({ item }) => item)).toEqual(["alb"]);
  });

  test("is planned so, too: a plan lists what failed, and a pull of that plan says it as well", async () => {
    await using registry = await aSource();
    registry.fail(faults.status(500), { match: ({ path }) => path.endsWith("/packages/alb/manifests/v1.1.0") });
    await using source = createRegistry(`${registry.host}/demo/fe`, { retryDelayMs: 1 });
    const service = new PackagesService({ source });
    const list = await plan([service], { keepGoing: true });
    expect(list.archives.map(({ archive }) => archive)).toEqual(["package-console.tar", "package-versions.tar"]);
    expect(list.failed).toMatchObject([{ component: "packages", item: "alb", code: "TRANSFER_FAILED" }]);
    expect(service.stats().packages.map(({ name }) => name)).toEqual(["console"]);
    await expect(plan([service])).rejects.toSatisfy((error) => isMirrorError(error, "TRANSFER_FAILED"));
    const folder = tempFolder();
    const report = await pullInto(folder, registry.host, [], { keepGoing: true });
    expect(report.failed).toEqual(list.failed);
    expect(lockOf(folder).archives).toEqual(list.archives);

    registry.reset();
    await using bundle = await BundleDirectory.open(tempFolder());
    const followed = await pull([listPlanner(list, source)], { to: bundle });
    expect(followed.failed).toEqual(list.failed);
    expect(bundle.lockFile?.failed).toEqual(list.failed);
  });

  test("tells what a plan went on without once, however often that plan is pulled", async () => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo/fe`);
    const { archives, missing } = await plan([new PackagesService({ source })]);
    const [component, item] = ["modules", "net"]; // the plan has nothing else of its component
    const failed = [{ component, item, archive: "module-net.tar", code: "TRANSFER_FAILED", message: "refused" }];
    const folder = tempFolder();
    for (let times = 0; times < 2; times += 1) {
      await using bundle = await BundleDirectory.open(folder);
      await pull([listPlanner({ version: 1, archives, missing, failed }, source)], { to: bundle });
      expect(lockOf(folder).failed).toEqual(failed);
    }
  });
});

describe("a cancelled pull", () => {
  test("keeps what is complete, packs nothing else, and is finished by the same pull", async () => {
    await using registry = await aSource();
    const [whole, folder] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host);
    registry.reset();
    const { fault, release } = heldBack(200);
    registry.fail(fault, { match: ownLayers });
    const stop = new AbortController();
    const reason = new Error("enough");
    const others = new Set(["package-console.tar", "package-versions.tar"]);
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "archive.finished") others.delete(event.archive);
      if (others.size === 0) stop.abort(reason);
    };
    for (const keepGoing of [true, false]) {
      const pulling = pullInto(folder, registry.host, [], { onEvent, signal: stop.signal, keepGoing });
      await expect(pulling).rejects.toBe(reason);
      expect(Object.keys(digests(folder))).toEqual(["package-console.tar", "package-versions.tar"]);
      expect(partials(folder)).toEqual(["package-alb.tar.partial"]);
      expect(existsSync(join(folder, lockFileName))).toBe(false);
    }
    release();
    registry.reset();
    await pullInto(folder, registry.host);
    expect(digests(folder)).toEqual(digests(whole));
    expect(blobsAsked(registry).every(albs)).toBe(true);
  });

  test("asks nothing when it was cancelled before it started", async () => {
    await using registry = await aSource();
    const reason = new Error("never mind");
    const folder = tempFolder();
    await using source = createRegistry(`${registry.host}/demo/fe`);
    await using bundle = await BundleDirectory.open(folder);
    const pulling = pull([new PackagesService({ source })], { to: bundle, signal: AbortSignal.abort(reason) });
    await expect(pulling).rejects.toBe(reason);
    expect(registry.requests()).toEqual([]);
    expect(readdirSync(folder)).toEqual([".tranship"]);
  });
});

describe("on the command line", () => {
  const lastLine = (text: string): Record<string, unknown> => JSON.parse(text.trim().split("\n").at(-1) ?? "{}");

  test("--keep-going ends with 3 and says what failed; the same command ends with 0", async () => {
    await using registry = await aSource();
    registry.fail(faults.status(403), { match: ownLayers });
    const bundle = join(tempFolder(), "bundle");
    const args = ["pull", bundle, "--source", `${registry.host}/demo/fe`, "--no-modules", "--keep-going"];
    const first = await runProgram(...args);
    expect(first.code).toBe(3);
    expect(first.stderr).toContain("package-alb.tar failed, the others go on: ");
    expect(first.stdout).toMatch(/^ {2}failed: package-alb\.tar: .*403/m);
    expect(first.stdout).toContain("1 item failed: run the same command again, it fetches what is left");
    registry.reset();
    const second = await runProgram(...args, "--json");
    expect(second.code).toBe(0);
    expect(lastLine(second.stdout)).toMatchObject({ type: "report", failed: [], fetched: { blobs: 1 } });
  });

  test("a plan that keeps going ends with 3, and lists the rest", async () => {
    await using registry = await aSource();
    registry.fail(faults.status(403), { match: ({ path }) => path.endsWith("/packages/alb/manifests/v1.1.0") });
    const args = ["plan", "--source", `${registry.host}/demo/fe`, "--no-modules"];
    const { code, stdout } = await runProgram(...args, "--keep-going");
    expect(code).toBe(3);
    expect(stdout).toContain("package-console.tar\n");
    expect(stdout).toMatch(/^failed: package-alb\.tar: .*403/m);
    expect((await runProgram(...args)).code).toBe(1);
  });

  test("what failed when a plan was made is not said to come by pulling that plan again", async () => {
    await using registry = await aSource();
    registry.fail(faults.status(403), { match: ({ path }) => path.endsWith("/packages/alb/manifests/v1.1.0") });
    const [folder, source] = [tempFolder(), `${registry.host}/demo/fe`];
    const file = join(folder, "plan.json");
    expect((await runProgram("plan", "--source", source, "--no-modules", "--keep-going", "-o", file)).code).toBe(3);
    registry.reset();
    const { code, stdout } = await runProgram("pull", join(folder, "bundle"), "--source", source, "--plan", file);
    expect(code).toBe(3);
    expect(stdout).toContain("1 item failed when the plan was made: only another plan brings it\n");
    expect(stdout).not.toContain("run the same command again");
  });

  test("interrupted, a pull ends with 130, says what is complete and how to go on", async () => {
    await using registry = await aSource();
    const { fault, release } = heldBack(200);
    registry.fail(fault, { match: ownLayers });
    const bundle = join(tempFolder(), "bundle");
    const args = ["pull", bundle, "--source", `${registry.host}/demo/fe`, "--no-modules", "--json"];
    let said = "";
    let isStopped = false;
    const { child, ended } = startTranship(args, {
      onStdout: (text) => {
        said += text; // a line may come in pieces
        if (isStopped || said.split('"archive.finished"').length <= 2) return;
        isStopped = true; // a second signal would end it on the spot
        child.kill("SIGINT");
      },
    });
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    const [stopped, failure] = stdout
      .trim()
      .split("\n")
      .slice(-2)
      .map((line) => JSON.parse(line));
    expect(stopped).toMatchObject({
      type: "pull.stopped",
      reason: "cancelled",
      finished: ["package-console.tar", "package-versions.tar"],
      unfinished: ["package-alb.tar"],
    });
    expect(failure).toMatchObject({ type: "failure", message: "interrupted by SIGINT" });
    release();
    registry.reset();
    expect((await runToEnd(args)).code).toBe(0);
  });

  test("a failed pull says what is complete before it says why it failed", async () => {
    await using registry = await aSource();
    registry.fail(faults.status(403), { match: ownLayers });
    const bundle = join(tempFolder(), "bundle");
    const args = ["pull", bundle, "--source", `${registry.host}/demo/fe`, "--no-modules"];
    const { code, stdout, stderr } = await runProgram(...args);
    expect(code).toBe(1);
    expect(stdout).toContain("package-alb.tar                  begun, and kept to be continued\n");
    expect(stdout).toContain("run the same command again, it goes on where it stopped");
    expect(stderr).toContain("403");
  });

  test("a catalog that gives no answer is given up after --access-timeout, with advice", async () => {
    await using registry = await aSource();
    registry.fail(faults.stall(), { match: () => true });
    const args = ["plan", "--source", `${registry.host}/demo/fe`];
    const { code, stderr } = await runProgram(...args, "--access-timeout", "0.1");
    expect(code).toBe(1);
    expect(stderr).toContain(`cannot list the packages in catalog ${registry.host}/demo/fe/packages: `);
    expect(stderr).toContain("--access-timeout SECONDS waits longer");
    expect((await runProgram(...args, "--access-timeout", "soon")).code).toBe(2);
  });
});
