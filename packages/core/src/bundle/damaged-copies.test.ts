import { appendFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Blob, formatName, isRegistryError, MemoryRegistry } from "@tranship/registry";
import { beforeEach, describe, expect, test } from "vitest";
import { layoutFiles, tarImage, writeChunks, writeTar } from "../../../../tests/support/tar-bundle.ts";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import type { MirrorEvent } from "../events.ts";
import { blobPath } from "../plan/section.ts";
import { pushBundle } from "../push/push-bundle.ts";
import { Bundle } from "./bundle.ts";
import { verifyBundle } from "./verify-bundle.ts";

const image = tarImage("a");
const files = layoutFiles("app", { v1: image });

let folder = "";
beforeEach(() => {
  folder = tempFolder();
});

/** Changes one byte of a blob in a file that holds it. */
function damage(file: string, { digest }: Blob): void {
  const path = join(folder, file);
  const archive = readFileSync(path);
  const at = archive.indexOf(image.bytes.get(digest) ?? "");
  expect(at).toBeGreaterThan(0);
  archive[at + 5] = (archive[at + 5] ?? 0) ^ 1;
  writeFileSync(path, archive);
}

async function bytesOf(bundle: Bundle, blob: Blob): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(bundle.repository("app").fetchBlob(blob)));
}

const isDamaged = (error: unknown) => isRegistryError(error, "DIGEST_MISMATCH");
const layerBytes = Buffer.from(image.bytes.get(image.layer.digest) ?? []);

test("after a copy has proved damaged, another one is read; that is told once, and verification still finds it", async () => {
  writeTar(folder, "1.tar", files);
  writeTar(folder, "2.tar", files);
  damage("1.tar", image.layer);
  const events: MirrorEvent[] = [];
  await using bundle = await Bundle.open(folder, { onEvent: (event) => events.push(event) });
  await expect(bytesOf(bundle, image.layer)).rejects.toSatisfy(isDamaged);
  expect(await bytesOf(bundle, image.layer)).toEqual(layerBytes);
  expect(await bytesOf(bundle, image.layer)).toEqual(layerBytes);
  expect(events).toMatchObject([{ code: "COPY_DAMAGED", reference: formatName("app", image.layer.digest) }]);
  const { findings } = await verifyBundle(bundle);
  expect(findings).toMatchObject([
    { code: "DIGEST_MISMATCH", archive: "1.tar", entry: `app/${blobPath(image.layer.digest)}` },
  ]);
});

test("a manifest is read from another copy at once", async () => {
  writeTar(folder, "1.tar", files);
  writeTar(folder, "2.tar", files);
  damage("1.tar", image.descriptor);
  await using bundle = await Bundle.open(folder);
  expect((await bundle.repository("app").manifest("v1")).bytes).toEqual(
    Uint8Array.from(image.bytes.get(image.descriptor.digest) ?? []),
  );
  await bundle.checkGraphs();
});

test.for([
  { name: "archives", other: "app" },
  { name: "repositories", other: "other" },
])("a push heals itself where several $name have a blob", async ({ other }) => {
  writeTar(folder, "1.tar", files);
  writeTar(folder, "2.tar", layoutFiles(other, { v1: image }));
  for (const blob of [image.layer, image.config]) damage("1.tar", blob);
  damage("2.tar", image.layer);
  writeTar(folder, "3.tar", files);
  await using bundle = await Bundle.open(folder);
  const target = new MemoryRegistry();
  await pushBundle(bundle, target);
  for (const blob of [image.layer, image.config]) {
    const stored = Buffer.concat(await Array.fromAsync(target.repository("app").fetchBlob(blob)));
    expect(stored).toEqual(Buffer.from(image.bytes.get(blob.digest) ?? []));
  }
});

test("where every copy is damaged, that is the error, as often as it is read", async () => {
  writeTar(folder, "1.tar", files);
  writeTar(folder, "2.tar", files);
  for (const name of ["1.tar", "2.tar"]) damage(name, image.layer);
  await using bundle = await Bundle.open(folder);
  for (let nth = 0; nth < 4; nth += 1) await expect(bytesOf(bundle, image.layer)).rejects.toSatisfy(isDamaged);
  expect((await verifyBundle(bundle)).findings.map(({ archive }) => archive)).toEqual(["1.tar", "2.tar"]);
});

test("a copy that cannot be read any further gives way to another in the middle of a reading", async () => {
  writeTar(folder, "1.tar", files);
  writeTar(folder, "2.tar", files);
  await using bundle = await Bundle.open(folder);
  const whole = readFileSync(join(folder, "1.tar"));
  truncateSync(join(folder, "1.tar"), whole.indexOf(layerBytes) + 100);
  expect(await bytesOf(bundle, image.layer)).toEqual(layerBytes);
});

describe("of an archive in chunks, messages name the chunk", () => {
  const chunk = (nth: number) => `a.tar.000${nth}.chunk`;
  const chunkBytes = 5000;

  test("where a blob is damaged, besides its entry", async () => {
    writeChunks(folder, "a.tar", files, chunkBytes);
    const path = join(folder, chunk(1));
    const bytes = readFileSync(path);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1; // inside the layer, which fills this chunk
    writeFileSync(path, bytes);
    await using bundle = await Bundle.open(folder);
    const { findings } = await verifyBundle(bundle);
    expect(findings).toMatchObject([
      {
        code: "DIGEST_MISMATCH",
        archive: "a.tar",
        entry: `app/${blobPath(image.layer.digest)}`,
        files: [chunk(0), chunk(1), chunk(2)],
        message: expect.stringContaining(`(${chunk(0)}, ${chunk(1)}, ${chunk(2)})`),
      },
    ]);
    await expect(pushBundle(bundle, new MemoryRegistry())).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      message: expect.stringContaining(`(${chunk(0)}, ${chunk(1)}, ${chunk(2)})`),
      details: { files: [chunk(0), chunk(1), chunk(2)] },
    });
  });

  test.for<{ readonly name: string; spoil(path: string): void }>([
    { name: "got shorter", spoil: (path) => truncateSync(path, 10) },
    { name: "got longer", spoil: (path) => appendFileSync(path, "!") },
    {
      name: "was replaced",
      spoil(path) {
        writeFileSync(`${path}.new`, Buffer.alloc(7));
        renameSync(`${path}.new`, path);
      },
    },
  ])("that $name while it was open", async ({ spoil }) => {
    writeChunks(folder, "a.tar", files, chunkBytes);
    await using bundle = await Bundle.open(folder);
    spoil(join(folder, chunk(1)));
    await expect(bytesOf(bundle, image.layer)).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      details: { archive: "a.tar", file: chunk(1), reason: "it was replaced or changed while it was open" },
      message: expect.stringContaining(chunk(1)),
    });
  });

  test("with a bad header", async () => {
    writeChunks(folder, "a.tar", [["first", Buffer.alloc(4488)], ...files], chunkBytes);
    const path = join(folder, chunk(1));
    const bytes = readFileSync(path);
    bytes[123] = (bytes[123] ?? 0) ^ 1; // in the second header, which starts at 5120
    writeFileSync(path, bytes);
    await expect(Bundle.open(folder)).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      details: { archive: "a.tar", file: chunk(1) },
    });
  });
});
