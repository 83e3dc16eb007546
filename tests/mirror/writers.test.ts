import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Bundle } from "@tranship/core";
import { faults, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { differing, fileDigests, filledBytes } from "../support/bundle-files.ts";
import { aSource, blobBytes, pullInto } from "../support/mirror.ts";
import type { ProductPackage } from "../support/product.ts";
import { runToEnd, startTranship } from "../support/start-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";

const product: readonly ProductPackage[] = [
  { name: "alb", versions: ["v1.0.0", "v2.0.0"], channels: { alpha: "v2.0.0", stable: "v1.0.0" }, layerBytes: 200_000 },
  { name: "console", versions: ["v1.0.0"], channels: { stable: "v1.0.0" }, layerBytes: 200_000 },
];

function pullArguments(folder: string, { host }: TestRegistry, ...flags: readonly string[]): readonly string[] {
  return ["pull", folder, "--source", `${host}/demo/fe`, ...flags];
}

describe("two writers of one bundle", () => {
  test("the second is refused at once and told who the first is; when that is killed, the next starts at once", async () => {
    await using source = await aSource(product);
    const folder = tempFolder();
    source.fail(faults.stall({ afterBytes: 1000 }), { match: ({ path }) => path.includes("/packages/alb/blobs/") });
    const stalled = Promise.withResolvers<void>();
    const first = startTranship(pullArguments(folder, source, "--json"), {
      onStdout(text) {
        if (text.includes('"type":"blob.started"')) stalled.resolve();
      },
    });
    await stalled.promise;
    const second = await runToEnd(pullArguments(folder, source));
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`process ${first.child.pid} on ${hostname()}`);
    expect(first.child.exitCode).toBeNull(); // it was not disturbed
    source.reset();
    first.child.kill("SIGKILL");
    expect((await first.ended).signal).toBe("SIGKILL");
    expect(await runToEnd(pullArguments(folder, source))).toMatchObject({ code: 0, signal: null });
  });

  test("a note of an owner who is gone stops nobody", async () => {
    await using source = await aSource(product);
    const folder = tempFolder();
    await pullInto(folder, source.host);
    writeFileSync(join(folder, ".tranship", "owner"), "process 1 on somewhere\n");
    expect(await runToEnd(pullArguments(folder, source))).toMatchObject({ code: 0, signal: null });
  });
});

describe.for([undefined, 70_000])(
  "bytes that are here already are not fetched again (chunks of %s bytes)",
  (chunkBytes) => {
    const chunks = chunkBytes === undefined ? [] : ["--chunk-size", String(chunkBytes)];

    test("when a killed pull is run again", async () => {
      await using source = await aSource(product);
      const [folder, calm] = [tempFolder(), tempFolder()];
      await pullInto(calm, source.host, [], { chunkBytes });
      const all = blobBytes(source);
      const { signal } = await runToEnd(pullArguments(folder, source, ...chunks), { kill: { bytes: 500_000 } });
      expect(signal).toBe("SIGKILL");
      source.reset();
      await pullInto(folder, source.host, [], { chunkBytes });
      expect(differing(await fileDigests(calm), await fileDigests(folder))).toEqual([]);
      expect(blobBytes(source)).toBeLessThan(all - 300_000);
    });

    test("when the next pull asks for something else, or for the same with restart", async () => {
      await using source = await aSource(product);
      const [folder, calm] = [tempFolder(), tempFolder()];
      await pullInto(calm, source.host, ["alb"], { chunkBytes });
      const all = blobBytes(source);
      const { signal } = await runToEnd(pullArguments(folder, source, ...chunks), { kill: { bytes: 700_000 } });
      expect(signal).toBe("SIGKILL");
      const there = filledBytes(folder, "package-alb");
      expect(there).toBeGreaterThan(100_000);
      source.reset();
      await pullInto(folder, source.host, ["alb"], { chunkBytes });
      expect(differing(await fileDigests(calm), await fileDigests(folder))).toEqual([]);
      expect(blobBytes(source)).toBeLessThan(all - there + 10_000);
      source.reset();
      await pullInto(folder, source.host, ["alb"], { chunkBytes, restart: true });
      expect(differing(await fileDigests(calm), await fileDigests(folder))).toEqual([]);
      expect(blobBytes(source)).toBe(0);
    });

    test("when the next pull writes the same in the other form", async () => {
      await using source = await aSource(product);
      const [folder, calm] = [tempFolder(), tempFolder()];
      const other = chunkBytes === undefined ? 70_000 : undefined;
      await pullInto(calm, source.host, [], { chunkBytes: other });
      await pullInto(folder, source.host, [], { chunkBytes });
      source.reset();
      await pullInto(folder, source.host, [], { chunkBytes: other });
      expect(differing(await fileDigests(calm), await fileDigests(folder))).toEqual([]);
      expect(blobBytes(source)).toBe(0);
    });
  },
);

test("killed while it puts an unfinished pull aside, a pull leaves a bundle that counts as unfinished and is gone on with", async () => {
  await using source = await aSource(product);
  const [unfinished, calm] = [tempFolder(), tempFolder()];
  await pullInto(calm, source.host, ["alb"]);
  source.fail(faults.status(403), { match: ({ path }) => path.includes("/packages/console/blobs/") });
  source.fail(faults.slow({ delayMs: 1000 }), { match: ({ path }) => path.includes("/packages/console/manifests/") });
  await expect(pullInto(unfinished, source.host)).rejects.toThrow("403");
  expect(readdirSync(unfinished)).toContain("package-alb.tar");
  source.reset();
  for (let step = 1; step <= 6; step += 1) {
    const folder = tempFolder();
    cpSync(unfinished, folder, { recursive: true });
    const args = pullArguments(folder, source, "--include-package", "alb");
    expect(await runToEnd(args, { kill: { step } })).toMatchObject({ signal: "SIGKILL" });
    await expect(Bundle.open(folder), `step ${step}`).rejects.toMatchObject({ code: "BUNDLE_UNFINISHED" });
    const report = await pullInto(folder, source.host, ["alb"]);
    expect(differing(await fileDigests(calm), await fileDigests(folder)), `step ${step}`).toEqual([]);
    expect(report.fetched.bytes, `step ${step}`).toBeLessThan(100_000);
  }
});

test("a pull that is run again asks for no blob whose place is full, even if the blob ends in zeros", async () => {
  await using source = await aSource(product);
  const folder = tempFolder();
  source.fail(faults.status(403), { match: ({ path }) => path.includes("/packages/console/blobs/") });
  await expect(pullInto(folder, source.host, ["console"])).rejects.toThrow("403");
  const lines = readFileSync(join(folder, ".tranship", "plan.ndjson"), "utf8");
  expect(lines).toContain("package-console.tar");
  source.reset();
  await pullInto(folder, source.host, ["console"]);
  const again = source.requests().filter(({ path }) => path.includes("/packages/console/version/blobs/"));
  expect(again.map(({ path }) => path)).toEqual([]);
});
