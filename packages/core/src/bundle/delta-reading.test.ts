import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, isRegistryError } from "@tranship/registry";
import { beforeEach, describe, expect, test } from "vitest";
import { layoutFiles, type TarImage, tarImage, writeTar } from "../../../../tests/support/tar-bundle.ts";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import { Bundle } from "./bundle.ts";
import { requireWhole } from "./require-whole.ts";
import { verifyBundle } from "./verify-bundle.ts";

const old = tarImage("old");
const fresh = tarImage("new", "old"); // another config over the same layer

let [base, delta] = ["", ""];
beforeEach(() => {
  const folder = tempFolder();
  [base, delta] = [join(folder, "base"), join(folder, "delta")];
  mkdirSync(base);
  mkdirSync(delta);
});

/** A bundle of `image` at `app:v2` that lacks what the lock says a base has. */
function writeDelta(image: TarImage, leftOut: readonly Descriptor[], assumed: readonly Descriptor[] = leftOut): void {
  const missing = leftOut.map(({ digest }) => digest);
  writeTar(delta, "app.tar", layoutFiles("app", { v2: image }, missing));
  const { mediaType, digest, size } = image.descriptor;
  const planned = { tag: "v2", reference: "src/app:v2", mediaType, digest, size, why: ["version"] };
  const repository = {
    path: "app",
    source: "src/app",
    images: [planned],
    blobs: [image.descriptor, image.config, image.layer].filter((blob) => !missing.includes(blob.digest)),
    assumed: assumed.map((blob) => ({ ...blob, from: ["elsewhere"] })),
  };
  const archive = {
    archive: "app.tar",
    component: "packages",
    item: "app",
    sections: [{ repositories: [repository] }],
  };
  const files = [{ archive: "app.tar", bytes: 1, entries: [] }];
  writeFileSync(
    join(delta, "tranship.lock.json"),
    JSON.stringify({ version: 1, archives: [archive], missing: [], files }),
  );
}

const layer = fresh.layer as Descriptor;

async function bytesOf(bundle: Bundle, path: string, blob: Descriptor): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(bundle.repository(path).fetchBlob(blob)));
}

test("a delta by itself says what it lacks, lets nothing else be missing, and is not taken for whole", async () => {
  writeDelta(fresh, [layer]);
  await using bundle = await Bundle.open(delta);
  expect(bundle.assumed()).toEqual([{ path: "app", from: ["elsewhere"], ...layer }]);
  await bundle.checkGraphs();
  expect(await bundle.repository("app").statBlob(layer.digest)).toBeUndefined();
  await expect(bytesOf(bundle, "app", layer)).rejects.toSatisfy((error) => isRegistryError(error, "NOT_FOUND"));
  expect(() => requireWhole(bundle)).toThrow(
    expect.objectContaining({
      code: "BASE_MISSING",
      details: { place: bundle.name, blobs: 1, bytes: layer.size, references: [`app@${layer.digest}`] },
    }),
  );
  const report = await verifyBundle(bundle);
  expect(report.assumed).toEqual({ blobs: 1, bytes: layer.size });
  expect(report.findings.filter(({ reference }) => reference?.includes(layer.digest))).toEqual([]);
});

test.for([{ path: "app" }, { path: "packages/elsewhere" }, { path: "" }])(
  "with its base, what it lacks is read from there, also from another repository: $path",
  async ({ path }) => {
    writeDelta(fresh, [layer]);
    writeTar(base, "app.tar", layoutFiles(path, { v1: old }));
    for (const places of [
      [base, delta],
      [delta, base],
      [delta, join(base, "app.tar")],
    ]) {
      await using bundle = await Bundle.open(places);
      expect(bundle.assumed()).toEqual([]);
      requireWhole(bundle);
      await bundle.checkGraphs();
      const repository = bundle.repository("app");
      expect(await repository.statBlob(layer.digest)).toEqual({ size: layer.size });
      expect(await bytesOf(bundle, "app", layer)).toEqual(Buffer.from(old.bytes.get(layer.digest) ?? []));
      expect((await Array.fromAsync(repository.fetchBlob(layer, { offset: 3, length: 5 }))).join()).toBe(
        String(Buffer.from("er of")),
      );
    }
  },
);

test("a blob nobody left to a base is not taken from another repository", async () => {
  writeTar(base, "app.tar", [
    ...layoutFiles("app", { v2: fresh }, [layer.digest]),
    ...layoutFiles("other", { v1: old }),
  ]);
  await using bundle = await Bundle.open(base);
  expect(await bundle.repository("app").statBlob(layer.digest)).toBeUndefined();
  await expect(bundle.checkGraphs()).rejects.toMatchObject({ code: "ARCHIVE_INVALID" });
});

describe("refused is", () => {
  test.for<{ readonly name: string; readonly says: string; open(): Promise<Bundle> }>([
    {
      name: "a delta without its lock",
      says: "is not in the bundle",
      open() {
        writeDelta(fresh, [layer]);
        return Bundle.open(join(delta, "app.tar"));
      },
    },
    {
      name: "a blob that the lock does not leave to a base",
      says: "is not in the bundle",
      open() {
        writeDelta(fresh, [layer, fresh.config as Descriptor], [layer]);
        return Bundle.open(delta);
      },
    },
    {
      name: "a size the lock gives and the image does not",
      says: "bytes, not",
      open() {
        writeDelta(fresh, [layer], [{ ...layer, size: 5 }]);
        return Bundle.open(delta);
      },
    },
    {
      name: "a lock that leaves a manifest to a base",
      says: "a manifest is never left out",
      open() {
        writeDelta(fresh, [layer], [fresh.descriptor]);
        return Bundle.open(delta);
      },
    },
    {
      name: "a manifest that the lock calls a layer and leaves to a base",
      says: "is not in the bundle",
      open: () => {
        writeDelta(fresh, [fresh.descriptor], [{ ...fresh.descriptor, mediaType: layer.mediaType }]);
        return Bundle.open(delta);
      },
    },
  ])("$name", async ({ open, says }) => {
    const opened = open().then(async (bundle) => {
      await using whole = bundle;
      await whole.checkGraphs();
    });
    await expect(opened).rejects.toMatchObject({ message: expect.stringContaining(says) });
  });
});
