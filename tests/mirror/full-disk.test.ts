import { readdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMirrorError, type MirrorEvent } from "@tranship/core";
import { describe, expect, test } from "vitest";
import { differing, fileDigests, filledBytes } from "../support/bundle-files.ts";
import { aSource, blobBytes, pullInto } from "../support/mirror.ts";
import type { ProductPackage } from "../support/product.ts";
import { runToEnd } from "../support/start-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { noTmpfs, resize, tmpfs } from "../support/tmpfs.ts";

if (noTmpfs !== undefined) console.warn(`mirror/full-disk: skipped, no file system of a given size here: ${noTmpfs}`);

const product: readonly ProductPackage[] = [
  { name: "alb", versions: ["v1.0.0"], channels: { stable: "v1.0.0" }, layerBytes: 200_000 },
  {
    name: "console",
    versions: ["v1.0.0", "v1.1.0"],
    channels: { alpha: "v1.1.0", stable: "v1.0.0" },
    layerBytes: 700_000,
  },
];

/** What is in an archive beside blobs of random bytes: headers, indexes, and here and there a zero. */
const besideBlobs = 50_000;

function sizeOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/** What has its own name is the same as in the other folder. */
async function publishedIsRight(folder: string, calm: string): Promise<void> {
  const expected = await fileDigests(calm);
  for (const [name, digest] of Object.entries(await fileDigests(folder))) {
    if (/\.(?:tar|chunk|json)$/.test(name)) expect([name, digest]).toEqual([name, expected[name]]);
  }
}

describe.skipIf(noTmpfs !== undefined).for([
  { form: "whole archives", chunkBytes: undefined },
  { form: "chunks", chunkBytes: 150_000 },
])("a pull into $form", ({ chunkBytes }) => {
  const chunks = chunkBytes === undefined ? [] : ["--chunk-size", String(chunkBytes)];

  test("that does not fit says how much is needed and free, and goes on when there is room", async () => {
    await using source = await aSource(product);
    const calm = tempFolder();
    await pullInto(calm, source.host, [], { chunkBytes });
    const all = blobBytes(source);
    const disk = tmpfs(1_500_000);
    const folder = join(disk, "bundle");
    source.reset();
    const args = ["pull", folder, "--source", `${source.host}/demo/fe`, ...chunks];
    const { code, stderr } = await runToEnd(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot write .*: [0-9]+ more bytes are needed, the file system has [0-9]+ free/);
    expect(stderr).toContain("it goes on where it stopped");
    await publishedIsRight(folder, calm);
    expect(blobBytes(source)).toBeLessThan(1_500_000); // nobody began what does not fit
    resize(disk, sizeOf(calm) + 1024 * 1024);
    const there = filledBytes(folder);
    source.reset();
    expect(await runToEnd(args)).toMatchObject({ code: 0 });
    expect(differing(await fileDigests(calm), await fileDigests(folder))).toEqual([]);
    expect(blobBytes(source)).toBeLessThan(all - there + besideBlobs);
  });

  test.for<MirrorEvent["type"]>(["section.planned", "blob.started", "blob.finished", "archive.finished"])(
    "on a disk that somebody else fills up at the first %s stops, and goes on when there is room",
    async (moment) => {
      await using source = await aSource(product);
      const calm = tempFolder();
      await pullInto(calm, source.host, [], { chunkBytes });
      const all = blobBytes(source);
      const disk = tmpfs(sizeOf(calm) + 2 * 1024 * 1024);
      const [folder, filler] = [join(disk, "bundle"), join(disk, "filler")];
      let isFilled = false;
      const onEvent = (event: MirrorEvent) => {
        if (isFilled || event.type !== moment || (event.type === "blob.finished" && event.size < 100_000)) return;
        isFilled = true;
        const { bavail, bsize } = statfsSync(disk);
        writeFileSync(filler, new Uint8Array(bavail * bsize));
      };
      const failure = await pullInto(folder, source.host, [], { chunkBytes, onEvent }).catch((error: unknown) => error);
      expect(isMirrorError(failure, "NO_SPACE"), String(failure)).toBe(true);
      expect(String(failure)).toMatch(/has [0-9]+ (?:bytes )?free/);
      await publishedIsRight(folder, calm);
      rmSync(filler);
      const there = filledBytes(folder);
      source.reset();
      await pullInto(folder, source.host, [], { chunkBytes });
      expect(differing(await fileDigests(calm), await fileDigests(folder))).toEqual([]);
      expect(blobBytes(source)).toBeLessThan(all - there + besideBlobs);
    },
  );
});

describe.skipIf(noTmpfs !== undefined)("a pull into more chunks than the file system takes files", () => {
  test("says so, and not that it is full", async () => {
    await using source = await aSource(product);
    const pulling = pullInto(tmpfs(64 * 1024 * 1024, 40), source.host, [], { chunkBytes: 10_000 });
    const error: unknown = await pulling.catch((thrown: unknown) => thrown);
    if (!isMirrorError(error, "NO_SPACE")) throw error;
    expect(error.message).toMatch(/\.chunk\.partial: the file system takes no more files, it has [0-9]+ bytes free$/);
  });
});
