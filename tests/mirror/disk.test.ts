import { readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verify } from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { aSource, pullInto, readPlan } from "../support/mirror.ts";
import type { ProductPackage } from "../support/product.ts";
import { runToEnd, startTranship } from "../support/start-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../support/tmpfs.ts";

const product: readonly ProductPackage[] = [
  {
    name: "console",
    versions: ["v1.0.0", "v1.1.0"],
    channels: { alpha: "v1.1.0", stable: "v1.0.0" },
    layerBytes: 8_000_000,
  },
];

/** What a bundle of so many bytes may take, in writes and on disk at any moment. */
const allowed = (bundleBytes: number) => bundleBytes * 1.02 + 1024 * 1024;

/**
 * What the kernel may count as written by a process that writes nothing: reading a file for the first time notes when
 * that was, and a page of such notes is 4 KiB. Content that was put aside would be megabytes.
 */
const accessTimesBytes = 256 * 1024;

const tmpfsType = 0x01021994;
/** Its pages are memory: the kernel counts no writes to a device. */
const isMemory = statfsSync(tmpdir()).type === tmpfsType;
if (isMemory) console.warn("mirror/disk: writes are not counted, the folder for temporary files is in memory");
if (noTmpfs !== undefined) console.warn(`mirror/disk: no file system of a given size here: ${noTmpfs}`);

const forms = [
  { form: "whole archives", chunkBytes: undefined },
  { form: "chunks", chunkBytes: 3_000_000 },
] as const;

interface Entry {
  readonly path: string;
  readonly isFile: boolean;
  readonly size: number;
  readonly facts: readonly number[];
}

/** Everything below a folder with all that changes when somebody writes: size, inode, times of content and of the rest. */
function listing(folder: string): readonly Entry[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => {
    const stats = statSync(join(folder, path));
    return { path, isFile: stats.isFile(), size: stats.size, facts: [stats.ino, stats.mtimeMs, stats.ctimeMs] };
  });
}

function bundleBytes(folder: string): number {
  return listing(folder).reduce((sum, { isFile, size }) => sum + (isFile ? size : 0), 0);
}

function writtenBytes(usageFile: string): number {
  return (JSON.parse(readFileSync(usageFile, "utf8")) as { readonly writtenBytes: number }).writtenBytes;
}

describe.for(forms)("a pull into $form", ({ chunkBytes }) => {
  const chunks = chunkBytes === undefined ? [] : ["--chunk-size", String(chunkBytes)];

  test.skipIf(isMemory)("writes its bundle once", async () => {
    await using source = await aSource(product);
    const folder = tempFolder();
    const usageFile = join(tempFolder(), "usage.json");
    const args = ["pull", folder, "--source", `${source.host}/demo/fe`, ...chunks];
    const { code, stderr } = await runToEnd(args, { usageFile });
    expect(code, stderr).toBe(0);
    expect(writtenBytes(usageFile)).toBeGreaterThan(bundleBytes(folder) * 0.9); // else nothing was counted
    expect(writtenBytes(usageFile)).toBeLessThan(allowed(bundleBytes(folder)));
  });

  test.skipIf(noTmpfs !== undefined)("never takes more disk than its bundle", async () => {
    await using source = await aSource(product);
    const calm = tempFolder();
    await pullInto(calm, source.host, [], { chunkBytes });
    const folder = join(tmpfs(Math.floor(allowed(bundleBytes(calm)))), "bundle");
    await pullInto(folder, source.host, [], { chunkBytes });
    expect(readdirSync(folder).sort()).toEqual(readdirSync(calm).sort());
  });

  test("can be pushed and served without a byte being written", async () => {
    await using source = await aSource(product);
    const [bundle, temporary] = [tempFolder(), tempFolder()];
    const usageFile = join(tempFolder(), "usage.json");
    await pullInto(bundle, source.host, [], { chunkBytes });
    const [before, beforeTemporary] = [listing(bundle), listing(temporary)];
    const options = { usageFile, env: { TMPDIR: temporary } };

    await using target = await startTestRegistry();
    const pushed = await runToEnd(["push", bundle, `${target.host}/mirror`], options);
    expect(pushed.code, pushed.stderr).toBe(0);
    expect(writtenBytes(usageFile)).toBeLessThan(accessTimesBytes);

    const address = Promise.withResolvers<string>();
    const server = startTranship(["serve", bundle, "--listen", "127.0.0.1:0", "--json"], {
      ...options,
      onStdout(text) {
        const [, host] = /"url":"http:\/\/([^"/]+)/.exec(text) ?? [];
        if (host !== undefined) address.resolve(host);
      },
    });
    await using client = createRegistry(await address.promise);
    expect((await verify(client, readPlan(bundle))).findings).toEqual([]);
    server.child.kill("SIGTERM");
    expect((await server.ended).code).toBe(0);
    expect(writtenBytes(usageFile)).toBeLessThan(accessTimesBytes);

    expect(listing(bundle)).toEqual(before);
    expect(listing(temporary)).toEqual(beforeTemporary);
  });
});
