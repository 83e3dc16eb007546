import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  downloadTotals,
  isMirrorError,
  listPlanner,
  lockFileName,
  type MirrorEvent,
  PackagesService,
  plan,
  pull,
} from "@tranship/core";
import { createRegistry, MemoryRegistry } from "@tranship/registry";
import { anImage, faults, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { aSource, digests, pullInto, readPlan } from "../support/mirror.ts";
import { seedProduct, smallProduct } from "../support/product.ts";
import { tempFolder } from "../support/temp-folder.ts";

describe("a pull", () => {
  test("brings what the channels point at, one archive a package and one with all release metadata", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    const report = await pullInto(folder, registry.host);
    expect(readdirSync(folder).sort()).toEqual(
      [".tranship", "package-alb.tar", "package-console.tar", "package-versions.tar", lockFileName].sort(),
    );
    const list = readPlan(folder);
    const tags = (archive: string, path: string) =>
      list.archives
        .find((other) => other.archive === archive)
        ?.sections.flatMap(({ repositories }) => repositories)
        .filter((repository) => repository.path === path)
        .flatMap(({ images }) => images.map(({ tag }) => tag))
        .sort();
    expect(tags("package-console.tar", "packages/console")).toEqual(["v1.45.1", "v1.45.2", "v1.46.0"]);
    expect(tags("package-console.tar", "packages/console/version")).toEqual([
      "alpha",
      "beta",
      "early-access",
      "rock-solid",
      "stable",
      "v1.45.1",
      "v1.45.2",
      "v1.46.0",
    ]);
    expect(tags("package-alb.tar", "packages/alb")).toEqual(["v1.0.3", "v1.1.0"]);
    expect(tags("package-versions.tar", "packages/alb/version")).toEqual([
      "alpha",
      "beta",
      "early-access",
      "rock-solid",
      "stable",
      "v1.0.2",
      "v1.0.3",
      "v1.1.0",
    ]);
    expect(report.missing).toEqual([]);
    expect(report.archives.map(({ outcome }) => outcome)).toEqual(["written", "written", "written"]);
  });

  test("asks for each manifest and each blob once, lists each repository once, and asks no HEAD", async () => {
    await using registry = await aSource();
    await pullInto(tempFolder(), registry.host);
    const asked = registry.requests().map(({ method, path }) => `${method} ${path}`);
    expect(asked.filter((line) => line.startsWith("HEAD"))).toEqual([]);
    const repeated = asked.filter((line, index) => asked.indexOf(line) !== index);
    expect(repeated).toEqual([]);
    const blobs = asked.filter((line) => line.includes("/blobs/")).map((line) => line.slice(line.lastIndexOf("/")));
    expect(new Set(blobs).size).toBe(blobs.length);
  });

  test("transfers what the plan says, reference for reference and byte for byte", async () => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo/fe`);
    const list = await plan([new PackagesService({ source })]);
    const folder = tempFolder();
    const report = await pullInto(folder, registry.host);
    expect(readPlan(folder)).toEqual(list);
    const totals = downloadTotals(list);
    expect(report.fetched).toEqual({ blobs: totals.blobs, bytes: totals.fetchBytes });
    expect(report.images).toBe(totals.images);
  });

  test("makes the same bytes whatever the timing", async () => {
    await using registry = await aSource();
    const first = tempFolder();
    await pullInto(first, registry.host);
    for (let round = 0; round < 3; round += 1) {
      registry.fail(faults.slow({ delayMs: 0, jitterMs: 8 }), { match: () => true, times: 1000 });
      const folder = tempFolder();
      await pullInto(folder, registry.host);
      expect(digests(folder)).toEqual(digests(first));
    }
  });

  test("over a finished bundle fetches no blob and leaves every archive alone", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host);
    const before = digests(folder);
    registry.reset();
    const report = await pullInto(folder, registry.host);
    expect(report.fetched).toEqual({ blobs: 0, bytes: 0 });
    expect(report.archives.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged", "unchanged"]);
    expect(registry.requests().filter(({ path }) => path.includes("/blobs/"))).toEqual([]);
    expect(digests(folder)).toEqual(before);
  });

  test("over a bundle of something else replaces what changed, removes what is gone and reuses bytes", async () => {
    await using registry = await aSource();
    const [folder, fresh] = [tempFolder(), tempFolder()];
    await pullInto(folder, registry.host, ["console"]);
    registry.reset();
    const report = await pullInto(folder, registry.host, ["console@=v1.44.0", "alb"]);
    const second = await pullInto(fresh, registry.host, ["console@=v1.44.0", "alb"]);
    expect(digests(folder)).toEqual(digests(fresh));
    expect(report.fetched.bytes).toBeLessThan(second.fetched.bytes);
    await pullInto(folder, registry.host, ["alb"]);
    expect(Object.keys(digests(folder))).toEqual(["package-alb.tar", "package-versions.tar"]);
  });

  test("an exact tag brings that version and its release metadata, under every channel's name too", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["console@=v1.44.0"]);
    const [archive] = readPlan(folder).archives;
    const references = archive?.sections.flatMap(({ repositories }) => repositories).flatMap(({ images }) => images);
    expect(references?.map(({ reference, why }) => `${reference.replace(registry.host, "HOST")} ${why}`)).toEqual([
      "HOST/demo/fe/packages/console:v1.44.0 pin",
      ...["alpha", "beta", "early-access", "lts", "rock-solid", "stable"].map(
        (channel) => `HOST/demo/fe/packages/console/version:${channel} alias`,
      ),
      "HOST/demo/fe/packages/console/version:v1.44.0 release",
    ]);
  });

  test("a version a channel points at that does not exist is reported and left out", async () => {
    const registry = new MemoryRegistry();
    await seedProduct(registry, [
      { name: "half", versions: ["v1.0.0"], channels: { stable: "v1.0.0", alpha: "v1.0.0" } },
    ]);
    const broken = new MemoryRegistry();
    await seedProduct(broken, [{ name: "half", versions: [], channels: {} }]);
    for await (const tag of registry.repository("packages/half/version").tags()) {
      const manifest = await registry.repository("packages/half/version").manifest(tag);
      const to = broken.repository("packages/half/version");
      const { parseManifest, childBlobs } = await import("@tranship/registry");
      for (const blob of childBlobs(parseManifest(manifest))) {
        await to.pushBlob(blob, (offset) => registry.repository("packages/half/version").fetchBlob(blob, { offset }));
      }
      await to.pushManifest(manifest, { tags: [tag] });
    }
    const list = await plan([new PackagesService({ source: broken })]);
    const line = { reference: "memory/packages/half:v1.0.0", why: "version", component: "packages" };
    expect(list.missing).toEqual([{ ...line, archive: "package-half.tar" }]);
    expect(list.archives.map(({ archive }) => archive)).toEqual(["package-half.tar", "package-versions.tar"]);
  });
});

describe("an interrupted pull", () => {
  test.for([1, 2, 3, 4, 5])(
    "is finished by the next one to the same bytes, fetching only what was left (%i)",
    async (round) => {
      await using registry = await aSource();
      const [whole, folder] = [tempFolder(), tempFolder()];
      await pullInto(whole, registry.host);
      registry.reset();
      const stop = new AbortController();
      let left = round * 24_000;
      const onEvent = (event: MirrorEvent) => {
        if (event.type === "blob.finished") left -= event.size;
        if (left < 0) stop.abort(new Error("enough"));
      };
      await using source = createRegistry(`${registry.host}/demo/fe`);
      {
        await using bundle = await BundleDirectory.open(folder);
        const interrupted = pull([new PackagesService({ source })], { to: bundle, signal: stop.signal, onEvent });
        await expect(interrupted).rejects.toThrow("enough");
      }
      expect(existsSync(join(folder, lockFileName))).toBe(false);
      await pullInto(folder, registry.host);
      expect(digests(folder)).toEqual(digests(whole));
      expect(readdirSync(folder).filter((name) => name.endsWith(".partial"))).toEqual([]);
      const blobs = registry.requests().filter(({ path }) => path.includes("/blobs/"));
      expect(blobs.length).toBeLessThanOrEqual(new Set(blobs.map(({ path }) => path)).size + 8);
    },
  );

  test("goes on inside a blob with a range", async () => {
    await using registry = await aSource();
    const [whole, folder] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host, ["alb@=v1.1.0"]);
    const isLayer = ({ path }: { path: string }) => path.includes("packages/alb/blobs/");
    registry.fail(faults.status(403), {
      match: (request) => isLayer(request) && request.range !== undefined,
      times: 50,
    });
    registry.fail(faults.cutAfter(9_000), { match: isLayer, times: 50 });
    await expect(pullInto(folder, registry.host, ["alb@=v1.1.0"])).rejects.toSatisfy((error) =>
      isMirrorError(error, "TRANSFER_FAILED"),
    );
    registry.reset();
    await pullInto(folder, registry.host, ["alb@=v1.1.0"]);
    expect(digests(folder)).toEqual(digests(whole));
    expect(registry.requests().filter(({ range }) => range !== undefined)).not.toEqual([]);
  });

  test.for([
    { name: "bytes of a blob were lost", damage: (bytes: Buffer) => bytes.fill(0, 3000, 20_000) },
    { name: "bytes of a blob went wrong", damage: (bytes: Buffer) => bytes.fill(7, 3000, 3100) },
    { name: "headers were torn", damage: (bytes: Buffer) => bytes.fill(0, 0, 512) },
  ])("heals when $name", async ({ damage }) => {
    await using registry = await aSource();
    const [whole, folder] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host, ["console"]);
    registry.fail(faults.status(403), { match: ({ path }) => path.includes("packages/console/blobs/"), times: 1 });
    await expect(pullInto(folder, registry.host, ["console"])).rejects.toThrow();
    registry.reset();
    const partial = join(folder, "package-console.tar.partial");
    if (existsSync(partial)) {
      const bytes = readFileSync(partial);
      damage(bytes);
      writeFileSync(partial, bytes);
      truncateSync(partial, Math.max(0, bytes.byteLength - 100));
    }
    await pullInto(folder, registry.host, ["console"]);
    expect(digests(folder)).toEqual(digests(whole));
  });

  test("asked for something else plans anew and uses the bytes that are there", async () => {
    await using registry = await aSource();
    const [whole, folder] = [tempFolder(), tempFolder()];
    const alone = await pullInto(whole, registry.host, ["console"]);
    registry.fail(faults.status(403), { match: ({ path }) => path.includes("packages/alb/blobs/"), times: 50 });
    await expect(pullInto(folder, registry.host)).rejects.toThrow("403");
    registry.reset();
    const report = await pullInto(folder, registry.host, ["console"]);
    expect(digests(folder)).toEqual(digests(whole));
    expect(report.fetched.bytes).toBeLessThan(alone.fetched.bytes);
    expect(readdirSync(join(folder, ".tranship")).filter((name) => name.startsWith("stale"))).toEqual([]);
  });
});

describe("a pull that cannot be", () => {
  test("of a package the catalog does not list says so", async () => {
    await using registry = await aSource();
    const pulling = pullInto(tempFolder(), registry.host, ["console", "nope"]);
    await expect(pulling).rejects.toSatisfy(
      (error) => isMirrorError(error, "NOT_IN_CATALOG") && error.details.names.join() === "nope",
    );
  });

  test("of an exact tag that does not exist says so", async () => {
    await using registry = await aSource();
    await expect(pullInto(tempFolder(), registry.host, ["console@=v9.9.9"])).rejects.toSatisfy(
      (error) =>
        isMirrorError(error, "IMAGE_NOT_FOUND") && error.details.reference.endsWith("/packages/console:v9.9.9"),
    );
  });

  test("from a registry without a catalog is a warning when nothing was asked for by name, and an error when it was", async () => {
    await using registry = await startTestRegistry();
    const events: MirrorEvent[] = [];
    const report = await pullInto(tempFolder(), registry.host, [], { onEvent: (event) => events.push(event) });
    expect(report.archives).toEqual([]);
    expect(events.filter(({ type }) => type === "warning.raised")).toHaveLength(1);
    await expect(pullInto(tempFolder(), registry.host, ["console"])).rejects.toSatisfy((error) =>
      isMirrorError(error, "NOT_IN_CATALOG"),
    );
  });

  test.for([401, 403, 500] as const)(
    "because the registry answers %i is never taken for something missing",
    async (status) => {
      await using registry = await aSource();
      registry.fail(faults.status(status), {
        match: ({ path }) => path.includes("/manifests/early-access"),
        times: 100,
      });
      await expect(pullInto(tempFolder(), registry.host)).rejects.toSatisfy(
        (error) =>
          isMirrorError(error, "TRANSFER_FAILED") &&
          error.details.side === "source" &&
          error.message.includes("early-access"),
      );
    },
  );

  test("because a blob's bytes are not the digest's publishes nothing of that archive", async () => {
    await using registry = await aSource();
    registry.fail(faults.corrupt({ at: 10 }), {
      match: ({ path }) => path.includes("packages/alb/blobs/"),
      times: 100,
    });
    const folder = tempFolder();
    await expect(pullInto(folder, registry.host)).rejects.toSatisfy(
      (error) => isMirrorError(error, "TRANSFER_FAILED") && error.details.code === "DIGEST_MISMATCH",
    );
    expect(readdirSync(folder)).not.toContain("package-alb.tar");
    expect(readdirSync(folder)).not.toContain(lockFileName);
  });

  test("into a folder with somebody else's archives is refused", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "package-console.tar"), "precious");
    await expect(BundleDirectory.open(folder)).rejects.toSatisfy((error) => isMirrorError(error, "BUNDLE_NOT_EMPTY"));
    expect(readFileSync(join(folder, "package-console.tar"), "utf8")).toBe("precious");
  });
});

test("a service counts what its last run came to", async () => {
  const registry = new MemoryRegistry();
  await seedProduct(registry, smallProduct);
  const service = new PackagesService({ source: registry, include: ["console"] });
  const nothing = { attempted: false, onlyExtraImages: false, packages: [], totalImages: 0, totalVex: 0 };
  expect(service.stats()).toEqual(nothing);
  await service.plan();
  const expected = {
    ...nothing,
    attempted: true,
    packages: [{ name: "console", images: 11, vex: 0, versions: ["v1.45.1", "v1.45.2", "v1.46.0"] }],
    totalImages: 11,
  };
  expect(service.stats()).toEqual(expected);
  const types = new Set<string>();
  const fetched: string[] = [];
  service.on("blob.finished", ({ digest }) => fetched.push(digest));
  service.on("archive.finished", ({ archive }) => types.add(archive));
  await using bundle = await BundleDirectory.open(tempFolder());
  await service.pullPackages({ to: bundle });
  expect([...types]).toEqual(["package-console.tar"]);
  expect(new Set(fetched).size).toBe(fetched.length);
  expect(fetched.length).toBeGreaterThan(10);
  await service.pullPackageVersions({ to: bundle });
  expect([...types]).toEqual(["package-console.tar", "package-versions.tar"]);
  expect(bundle.lockFile?.archives.map(({ archive }) => archive).sort()).toEqual([
    "package-console.tar",
    "package-versions.tar",
  ]);
});

describe("what a pull found to be missing", () => {
  /** A package whose stable channel points at a version nobody published, and whose alpha one at a whole version. */
  async function aSourceWithGap(): Promise<TestRegistry> {
    const registry = await aSource([{ name: "whole", versions: ["v1.0.0"], channels: { stable: "v1.0.0" } }]);
    seedVersion(registry, "v1.0.0", "alpha");
    registry.seed("demo/fe/packages", anImage({ tag: "gap" }));
    const gap = anImage({ tag: "stable", files: { "version.json": '{"version":"v9.9.9"}' } });
    registry.seed("demo/fe/packages/gap/version", gap);
    registry.reset();
    return registry;
  }

  function seedVersion(registry: TestRegistry, version: string, channel: string): void {
    const files = { "version.json": JSON.stringify({ version }) };
    registry.seed("demo/fe/packages/gap", anImage({ tag: version, files: { "extra_images.json": '{"x":"v1"}' } }));
    registry.seed("demo/fe/packages/gap/version", anImage({ tags: [version, channel], files }));
    registry.seed("demo/fe/packages/gap/extra/x", anImage({ tag: "v1" }));
  }

  const missingIn = (folder: string) =>
    readPlan(folder).missing.map(({ reference, archive }) => `${archive} ${reference.replace(/^.*\//, "")}`);
  const lines = ["package-gap.tar version:v9.9.9", "package-gap.tar gap:v9.9.9"];

  test("stays in the lock and the plan when its item fails later, beside an older archive of it, too", async () => {
    await using registry = await aSourceWithGap();
    const [whole, fresh, folder] = [tempFolder(), tempFolder(), tempFolder()];
    await pullInto(whole, registry.host);
    await pullInto(folder, registry.host);
    expect(missingIn(whole)).toEqual(lines);

    registry.fail(faults.status(403), { match: /\/gap\/extra\/x\/manifests\// });
    const report = await pullInto(fresh, registry.host, [], { keepGoing: true });
    expect([report.failed.map(({ item }) => item), missingIn(fresh)]).toEqual([["gap"], lines]);
    expect(report.missing).toEqual(readPlan(fresh).missing);
    await using source = createRegistry(`${registry.host}/demo/fe`);
    expect((await plan([new PackagesService({ source })], { keepGoing: true })).missing).toEqual(report.missing);

    registry.reset();
    registry.fail(faults.status(403), { match: /\/gap\/version\/manifests\/stable$/ });
    await pullInto(folder, registry.host, ["gap", "whole"], { keepGoing: true });
    expect(missingIn(folder)).toEqual(lines); // of the archive that is still there

    registry.reset();
    await pullInto(fresh, registry.host);
    expect(readPlan(fresh)).toEqual(readPlan(whole));
    seedVersion(registry, "v9.9.9", "stable");
    await pullInto(fresh, registry.host);
    expect(missingIn(fresh)).toEqual([]);
  });

  test("is told of the same archives by a pull of the plan", async () => {
    await using registry = await aSourceWithGap();
    await using source = createRegistry(`${registry.host}/demo/fe`);
    const list = await plan([new PackagesService({ source })]);
    await using bundle = await BundleDirectory.open(tempFolder());
    await pull([listPlanner(list, source)], { to: bundle });
    expect(bundle.lockFile?.missing).toEqual(list.missing);
  });
});

test("a source that lists nothing takes nothing out of a bundle", async () => {
  await using registry = await aSource();
  const folder = tempFolder();
  await pullInto(folder, registry.host);
  const before = digests(folder);
  await using wrong = createRegistry(`${registry.host}/wrong`);
  {
    await using bundle = await BundleDirectory.open(folder);
    await pull([new PackagesService({ source: wrong })], { to: bundle });
  }
  expect(digests(folder)).toEqual(before);
  await using bundle = await Bundle.open(folder);
  expect(bundle.lock?.archives).toHaveLength(3);
});
