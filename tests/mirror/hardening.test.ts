import { appendFileSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  isMirrorError,
  listPlanner,
  lockFileName,
  type MirrorErrorCode,
  type MirrorEvent,
  PackagesService,
  plan,
  pull,
  verify,
  verifyBundle,
} from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { aBlob, aLayer, anImage, faults, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { aSource, digests, pullInto, pullUntilAlb, readPlan } from "../support/mirror.ts";
import { tempFolder } from "../support/temp-folder.ts";

const failsWith = (code: MirrorErrorCode) => (error: unknown) => isMirrorError(error, code);

function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** A folder in which a pull of everything had finished one package when the other failed. */
async function interruptedAfterAlb(registry: TestRegistry): Promise<string> {
  const folder = tempFolder();
  await pullUntilAlb(registry, folder);
  expect(readdirSync(folder)).toContain("package-alb.tar");
  return folder;
}

async function bundleIsWhole(folder: string): Promise<void> {
  await using bundle = await Bundle.open(folder);
  expect((await verifyBundle(bundle)).findings).toEqual([]);
}

describe("nothing is lost", () => {
  test("when two archives share the layer that names the version, and one is finished while the other reads it", async () => {
    await using registry = await aSource([
      { name: "a", versions: ["v1.0.0"], channels: { stable: "v1.0.0" }, layerBytes: 100 },
      { name: "b", versions: ["v2.0.0"], channels: { alpha: "v2.0.0" }, layerBytes: 100 },
    ]);
    const whole = tempFolder();
    await pullInto(whole, registry.host);
    expect(readPlan(whole).missing).toEqual([]);
    for (let round = 0; round < 40; round += 1) {
      const folder = tempFolder();
      await pullInto(folder, registry.host);
      expect(readFileSync(join(folder, lockFileName), "utf8")).toBe(readFileSync(join(whole, lockFileName), "utf8"));
    }
  });

  test("when a second pull fails, the bundle stays what it was and can be used", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host);
    const before = digests(folder);
    await expect(pullInto(folder, registry.host, ["nope"])).rejects.toSatisfy(failsWith("NOT_IN_CATALOG"));
    registry.fail(faults.status(403), { match: ({ path }) => path.includes("/manifests/v1.44.0"), times: 9 });
    await expect(pullInto(folder, registry.host, ["console@=v1.44.0"])).rejects.toSatisfy(failsWith("TRANSFER_FAILED"));
    expect(digests(folder)).toEqual(before);
    await bundleIsWhole(folder);
  });

  test("when a pull that replaces archives is interrupted, the bundle counts as unfinished until it is run again", async () => {
    await using registry = await aSource();
    const [folder, fresh] = [tempFolder(), tempFolder()];
    await pullInto(folder, registry.host);
    const stop = new AbortController();
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "archive.finished" && event.outcome === "written") stop.abort(new Error("enough"));
    };
    const include = ["console@=v1.44.0", "alb@=v1.0.2"];
    await using source = createRegistry(`${registry.host}/demo/fe`);
    {
      await using bundle = await BundleDirectory.open(folder);
      const service = new PackagesService({ source, include });
      await expect(pull([service], { to: bundle, signal: stop.signal, onEvent })).rejects.toThrow("enough");
    }
    await expect(Bundle.open(folder)).rejects.toSatisfy(failsWith("BUNDLE_UNFINISHED"));
    await pullInto(folder, registry.host, include);
    await pullInto(fresh, registry.host, include);
    expect(digests(folder)).toEqual(digests(fresh));
    await bundleIsWhole(folder);
  });

  test("archives that an interrupted pull had finished go when the next one asks for something else", async () => {
    await using registry = await aSource();
    const folder = await interruptedAfterAlb(registry);
    expect(readdirSync(folder)).toContain("package-alb.tar");
    registry.reset();
    const report = await pullInto(folder, registry.host, ["console"]);
    expect(readdirSync(folder)).not.toContain("package-alb.tar");
    expect(report.copied.bytes).toBeGreaterThan(0);
    await bundleIsWhole(folder);
  });

  test("a pull with restart that was interrupted mends what had rotted, also when it goes on without", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `p${index + 10}`); // more than are worked on at a time
    const product = names.map((name) => ({
      name,
      versions: ["v1.0.0"],
      channels: { stable: "v1.0.0" },
      layerBytes: 500,
    }));
    await using registry = await aSource(product);
    const folder = tempFolder();
    await pullInto(folder, registry.host);
    const right = digests(folder);
    flipByte(join(folder, "package-p21.tar"), 3000);
    const stop = new AbortController();
    const onEvent = ({ type }: MirrorEvent) => {
      if (type === "archive.finished") stop.abort(new Error("interrupted"));
    };
    const { signal } = stop;
    await expect(pullInto(folder, registry.host, [], { restart: true, onEvent, signal })).rejects.toThrow(
      "interrupted",
    );
    await pullInto(folder, registry.host);
    expect(digests(folder)).toEqual(right);
  });

  test("a pull with restart writes every archive again and mends what had rotted, fetching only that", async () => {
    await using registry = await aSource();
    const [folder, whole] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host);
    await pullInto(folder, registry.host);
    flipByte(join(folder, "package-console.tar"), 30_000);
    registry.reset();
    const report = await pullInto(folder, registry.host, [], { restart: true });
    expect(digests(folder)).toEqual(digests(whole));
    expect(report.fetched.blobs).toBe(1);
  });

  test("one part renewed alone, after a tag has moved, is told as a conflict", async () => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo/fe`);
    await using bundle = await BundleDirectory.open(tempFolder());
    const service = new PackagesService({ source });
    await pull([service], { to: bundle });
    const files = { "version.json": JSON.stringify({ version: "v1.0.2" }) };
    registry.seed("demo/fe/packages/alb/version", anImage({ tag: "stable", files }));
    const warnings: string[] = [];
    service.on("warning.raised", ({ code }) => warnings.push(code));
    await service.pullPackages({ to: bundle });
    expect(warnings).toEqual(["TAG_CONFLICT"]);
    warnings.length = 0;
    await service.pullPackageVersions({ to: bundle });
    expect(warnings).toEqual([]);
  });
});

describe("nothing hostile is believed", () => {
  test.for(["../precious.txt", "/etc/hostname.tar", "a/b.tar", ".hidden.tar", ""])(
    "a lock file that names %j is refused and nothing is touched",
    async (archive) => {
      await using registry = await aSource();
      const folder = join(tempFolder(), "bundle");
      mkdirSync(folder);
      writeFileSync(join(folder, "../precious.txt"), "precious");
      const entry = { archive, component: "packages", item: "x", sections: [] };
      const lock = { version: 1, files: [{ archive, bytes: 1, entries: [] }], missing: [], archives: [entry] };
      writeFileSync(join(folder, lockFileName), JSON.stringify(lock));
      await expect(pullInto(folder, registry.host)).rejects.toSatisfy(failsWith("PLAN_INVALID"));
      await expect(Bundle.open(folder)).rejects.toSatisfy(failsWith("PLAN_INVALID"));
      await pullInto(folder, registry.host, [], { restart: true });
      expect(readFileSync(join(folder, "../precious.txt"), "utf8")).toBe("precious");
      await bundleIsWhole(folder);
    },
  );

  test("a plan that leaves its folder, or says other than the source, is refused; a true one makes the same bundle", async () => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo/fe`);
    const list = await plan([new PackagesService({ source, include: ["alb"] })]);
    const [first, ...others] = list.archives;
    if (!first) throw new Error("an empty plan");
    const into = async (changed: typeof list, folder = tempFolder()) => {
      await using bundle = await BundleDirectory.open(folder);
      return await pull([listPlanner(changed, source)], { to: bundle });
    };
    const outside = { ...list, archives: [{ ...first, archive: "../evil.tar" }, ...others] };
    await expect(into(outside)).rejects.toSatisfy(failsWith("PLAN_INVALID"));
    const climbing = JSON.parse(JSON.stringify(list).replaceAll('"path":"packages/alb"', '"path":"../../etc"'));
    await expect(into(climbing)).rejects.toSatisfy(failsWith("PLAN_INVALID"));
    const sections = first.sections.map(({ repositories }) => ({
      repositories: repositories.map((repository) => ({ ...repository, blobs: repository.blobs.slice(1) })),
    }));
    await expect(into({ ...list, archives: [{ ...first, sections }, ...others] })).rejects.toSatisfy(
      failsWith("PLAN_INVALID"),
    );
    const [one, two] = [tempFolder(), tempFolder()];
    await into(list, one);
    await pullInto(two, registry.host, ["alb"]);
    expect(digests(one)).toEqual(digests(two));
  });

  test("metadata of a package nobody asked for that cannot be used is left out and told, and stops nobody", async () => {
    await using registry = await aSource();
    const headers = { "content-type": "application/vnd.docker.distribution.manifest.v1+prettyjws" };
    registry.fail(faults.status(200, { headers, body: '{"schemaVersion":1}' }), {
      match: ({ path }) => path.endsWith("packages/alb/version/manifests/v1.0.2"),
      times: 9,
    });
    const codes: string[] = [];
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "warning.raised") codes.push(event.code);
    };
    const report = await pullInto(tempFolder(), registry.host, ["console"], { onEvent });
    expect(codes).toEqual(["IMAGE_UNUSABLE"]);
    expect(report.missing).toEqual([
      {
        reference: `${registry.host}/demo/fe/packages/alb/version:v1.0.2`,
        why: "catalog",
        component: "package-versions",
        archive: "package-versions.tar",
      },
    ]);
  });

  test.for(["text/html", "application/xhtml+xml; charset=utf-8"])(
    "a page in place of such metadata is no answer, and ends the pull: %s",
    async (type) => {
      await using registry = await aSource();
      registry.fail(
        faults.status(200, { headers: { "content-type": type }, body: "<!doctype html><title>Sign in</title>" }),
        {
          match: ({ path }) => path.endsWith("packages/alb/version/manifests/v1.0.2"),
          times: 9,
        },
      );
      await expect(pullInto(tempFolder(), registry.host, ["console"])).rejects.toMatchObject({
        code: "TRANSFER_FAILED",
        details: {
          code: "PROTOCOL",
          side: "source",
          reference: expect.stringContaining("packages/alb/version:v1.0.2"),
        },
      });
    },
  );

  test("a catalog that lists what cannot be a repository is told", async () => {
    await using registry = await aSource();
    registry.seed("demo/fe/packages", anImage({ tag: "Console" }), anImage({ tag: "_x" }));
    const messages: string[] = [];
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "warning.raised") messages.push(event.message);
    };
    await pullInto(tempFolder(), registry.host, [], { onEvent });
    expect(messages).toEqual([expect.stringContaining("Console, _x")]);
  });

  test.for([
    { name: "no JSON", file: "{", code: "IMAGE_FILE_INVALID" },
    { name: "no version", file: '{"v":1}', code: "IMAGE_FILE_INVALID" },
    { name: "a version that is no tag", file: '{"version":"../../etc"}', code: "IMAGE_FILE_INVALID" },
  ] as const)("a channel whose version.json has $name ends the pull with the image's name", async ({ file, code }) => {
    await using registry = await aSource();
    registry.seed("demo/fe/packages/alb/version", anImage({ tag: "stable", files: { "version.json": file } }));
    await expect(pullInto(tempFolder(), registry.host)).rejects.toSatisfy(
      (error) => isMirrorError(error, code) && error.message.includes("packages/alb/version:stable"),
    );
  });

  test.for([
    { name: "no version.json", layers: [aLayer({ files: { "other.json": "{}" } })] },
    {
      name: "a version.json that a later layer takes away",
      layers: [
        aLayer({ files: { "version.json": '{"version":"v9"}' } }),
        aLayer({ files: { ".wh.version.json": "" } }),
      ],
    },
  ])("a channel with $name is told and leads to no version", async ({ layers }) => {
    await using registry = await aSource();
    registry.seed("demo/fe/packages/alb/version", anImage({ tag: "stable", layers }));
    const codes: string[] = [];
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "warning.raised") codes.push(event.code);
    };
    await pullInto(tempFolder(), registry.host, ["alb"], { onEvent });
    expect(codes).toEqual(["VERSION_UNKNOWN"]);
  });
});

describe("what cannot go on says so at once", () => {
  test("the first blob that fails ends the pull", async () => {
    await using registry = await aSource([
      {
        name: "many",
        versions: Array.from({ length: 60 }, (_, index) => `v1.0.${index}`),
        channels: {},
        layerBytes: 50_000,
      },
    ]);
    const include = Array.from({ length: 60 }, (_, index) => `many@=v1.0.${index}`);
    registry.fail(faults.status(403), { match: ({ path }) => path.includes("packages/many/blobs/"), times: 1 });
    await expect(pullInto(tempFolder(), registry.host, include)).rejects.toSatisfy(failsWith("TRANSFER_FAILED"));
    expect(registry.requests().filter(({ path }) => path.includes("packages/many/blobs/")).length).toBeLessThan(40);
  });

  test("two pulls of one process into one bundle: the second is refused, the first goes on", async () => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo/fe`);
    await using bundle = await BundleDirectory.open(tempFolder());
    const service = new PackagesService({ source });
    const first = service.pullPackages({ to: bundle });
    await expect(service.pullPackageVersions({ to: bundle })).rejects.toSatisfy(failsWith("BUNDLE_LOCKED"));
    expect((await first).archives).toHaveLength(2);
    expect((await service.pullPackageVersions({ to: bundle })).archives).toHaveLength(1);
  });

  test("a plan that an interrupted pull had fixed and that is gone from the source is outdated, and restart plans anew", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    registry.fail(faults.status(403), { match: ({ path }) => path.includes("packages/alb/version/blobs/"), times: 99 });
    await expect(pullInto(folder, registry.host, ["alb"])).rejects.toThrow("403");
    registry.reset();
    const journal = join(folder, ".tranship", "plan.ndjson");
    const text = readFileSync(journal, "utf8");
    const gone = `sha256:${"0".repeat(64)}`;
    const stable = /"tag":"stable".*?"digest":"(sha256:[0-9a-f]+)"/.exec(text)?.[1] ?? "";
    writeFileSync(journal, text.replaceAll(stable, gone));
    await expect(pullInto(folder, registry.host, ["alb"])).rejects.toSatisfy(
      (error) => isMirrorError(error) && ["PLAN_OUTDATED", "TRANSFER_FAILED"].includes(error.code),
    );
    await pullInto(folder, registry.host, ["alb"], { restart: true });
    await bundleIsWhole(folder);
  });

  test("restart uses what an interrupted pull had finished", async () => {
    await using registry = await aSource();
    const folder = await interruptedAfterAlb(registry);
    expect(existsSync(join(folder, "package-alb.tar"))).toBe(true);
    registry.reset();
    await pullInto(folder, registry.host, [], { restart: true });
    expect(registry.requests().filter(({ path }) => path.includes("packages/alb/blobs/"))).toEqual([]);
    await bundleIsWhole(folder);
  });

  test("somebody else's chunks are left alone", async () => {
    const folder = tempFolder();
    appendFileSync(join(folder, "platform.tar.0000.chunk"), "precious");
    await expect(BundleDirectory.open(folder)).rejects.toSatisfy(failsWith("BUNDLE_NOT_EMPTY"));
  });
});

test("a package without release channels is told, and how to have it all the same", async () => {
  await using registry = await aSource([{ name: "bare", versions: ["v1.0.0"], channels: {} }]);
  const messages: string[] = [];
  const onEvent = (event: MirrorEvent) => {
    if (event.type === "warning.raised") messages.push(`${event.code} ${event.message}`);
  };
  await pullInto(tempFolder(), registry.host, ["bare"], { onEvent });
  expect(messages).toEqual([expect.stringMatching(/^NOTHING_SELECTED .*bare@=TAG$/)]);
});

test("an archive that the lock does not list is found by verify, for push would send it", async () => {
  await using registry = await aSource();
  const [folder, other] = [tempFolder(), tempFolder()];
  await pullInto(folder, registry.host, ["alb"]);
  await pullInto(other, registry.host, ["console"]);
  copyFileSync(join(other, "package-console.tar"), join(folder, "zz.tar"));
  await using bundle = await Bundle.open(folder);
  const { ok, findings } = await verifyBundle(bundle);
  expect(ok).toBe(false);
  expect(findings).toMatchObject([{ code: "ARCHIVE_INVALID", archive: "zz.tar" }]);
});

test("an empty layer that is missing from a mirror is found", async () => {
  await using source = await aSource([]);
  await using target = await aSource([]);
  const empty = aBlob({ content: "", mediaType: "application/vnd.oci.image.layer.v1.tar" });
  for (const registry of [source, target]) registry.seed("demo/fe/packages", anImage({ tag: "a", files: { a: "a" } }));
  source.seed("demo/fe/packages/a", anImage({ tag: "v1", layers: [empty] }));
  await using from = createRegistry(`${source.host}/demo/fe`);
  await using to = createRegistry(`${target.host}/demo/fe`);
  const list = await plan([new PackagesService({ source: from, include: ["a@=v1"] })]);
  const image = anImage({ tag: "v1", layers: [empty] });
  for (const blob of image.blobs.filter(({ size }) => size > 0)) {
    await to.repository("packages/a").pushBlob(blob, async function* (offset) {
      yield blob.bytes.subarray(offset);
    });
  }
  await to.repository("packages/a").pushManifest(image.manifest, { tags: ["v1"] });
  const { findings } = await verify(to, list);
  expect(findings).toMatchObject([{ code: "BLOB_MISSING" }]);
});

test.for([true, false])(
  "a version is read through large layers of the archive just written (gzip: %s)",
  async (gzip) => {
    await using registry = await aSource();
    const layers = [
      aLayer({ files: { "version.json": '{"version":"v1.0.2"}' } }),
      aLayer({ size: 5_000_000, seed: "a", gzip }),
      aLayer({ files: { x: "y" }, size: 3_000_000, seed: "b", gzip }),
    ];
    registry.seed("demo/fe/packages/alb/version", anImage({ tag: "stable", layers }));
    const folder = tempFolder();
    const report = await pullInto(folder, registry.host, ["alb"]);
    const references = readPlan(folder).archives.flatMap(({ sections }) =>
      sections.flatMap(({ repositories }) =>
        repositories.flatMap(({ images }) => images.map(({ reference }) => reference)),
      ),
    );
    expect(references.map((reference) => reference.replace(registry.host, ""))).toContain(
      "/demo/fe/packages/alb:v1.0.2",
    );
    expect(report.missing).toEqual([]);
  },
);
