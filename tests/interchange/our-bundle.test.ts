import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bundle, BundleDirectory, PackagesService, pull, pushBundle } from "@tranship/core";
import { MemoryRegistry } from "@tranship/registry";
import { anImage, anIndex, seedMemory } from "@tranship/registry/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gnuTar } from "../support/gnu-tar.ts";
import { seedProduct, smallProduct } from "../support/product.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";
import { inOrder, pushedTo, withoutDiscovery } from "./pushed.ts";
import { readAsReference } from "./reference-reader.ts";

const made = [
  { name: "whole", chunkBytes: undefined },
  { name: "in chunks", chunkBytes: 20_000 },
] as const;

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tranship-ours-"));
  const source = new MemoryRegistry({ name: "registry.example.com/fe" });
  await seedProduct(source, smallProduct);
  const images = ["amd64", "arm64"].map((seed) => anImage({ seed }));
  const long = `a-package-${"with-a-long-name-".repeat(6)}end`; // its blobs' names are over 200 bytes
  seedMemory(source, "packages", [anImage({ tag: long })]);
  seedMemory(source, `packages/${long}`, [
    anIndex({ images, tag: "v1.0.0" }),
    anImage({ tag: "v1.1.0", docker: true }),
  ]);
  seedMemory(source, `packages/${long}/version`, [
    anImage({ tags: ["v1.0.0", "stable"], files: { "version.json": '{"version":"v1.0.0"}' } }),
  ]);
  for (const { name, chunkBytes } of made) {
    await using bundle = await BundleDirectory.open(join(folder, name), { chunkBytes });
    await pull([new PackagesService({ source })], { to: bundle });
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The bundle's archives in another folder, under other names, and without our lock file: nothing but what both tools read. */
function copied(name: string, rename: (file: string) => string | undefined = (file) => file): string {
  const copy = join(tempFolder(), "copy");
  mkdirSync(copy);
  for (const file of readdirSync(join(folder, name)).filter((own) => /\.(?:tar|chunk)$/.test(own))) {
    const renamed = rename(file);
    if (renamed !== undefined) cpSync(join(folder, name, file), join(copy, renamed));
  }
  return copy;
}

describe.for(made)("a bundle of ours, $name", ({ name, chunkBytes }) => {
  /** What we push, and what the reference would. */
  async function requireBothEqual(place: string): Promise<void> {
    const target = new MemoryRegistry();
    await using bundle = await Bundle.open(place);
    const { metadataOnly } = await pushBundle(bundle, target);
    const { images, names } = withoutDiscovery(await pushedTo(target));
    const reference = readAsReference(place);
    expect(images).toEqual(inOrder(reference.pushes));
    expect(images.length).toBeGreaterThan(0);
    // The reference announces every package it has a folder of; we leave out those with release metadata only.
    const without = (root: string) =>
      metadataOnly.flatMap((path) => (path.startsWith(`${root}/`) ? [path.slice(root.length + 1)] : []));
    const announced = Object.entries(names).map(([root, own]) => [root, [...own, ...without(root)].sort()]);
    expect(Object.fromEntries(announced)).toEqual(reference.discovery);
  }

  test("means to the reference tool what it means to us", async () => {
    await requireBothEqual(join(folder, name));
  });

  test("means that with its archives in the other order, too", async () => {
    const stems = [...new Set(readdirSync(join(folder, name)).map((file) => file.replace(/\.tar.*$/, "")))]
      .sort()
      .toReversed();
    const order = copied(name, (file) => {
      const [stem = "", rest = ""] = file.split(/(?=\.tar)/);
      return `${stems.indexOf(stem)}-${stem}${rest}`;
    });
    await requireBothEqual(order);
  });

  test("means that with any archive of it alone", async () => {
    for (const stem of ["package-console", "package-versions"]) {
      await requireBothEqual(copied(name, (file) => (file.startsWith(`${stem}.tar`) ? file : undefined)));
    }
  });

  test("has archives of regular files alone, with GNU headers, relative names and an end", () => {
    const { archives } = readAsReference(join(folder, name));
    expect([...archives.keys()]).toContain("package-versions.tar");
    for (const { records, hasTrailer, bytesAfter } of archives.values()) {
      expect({ hasTrailer, bytesAfter }).toEqual({ hasTrailer: true, bytesAfter: 0 });
      expect(records.length).toBeGreaterThan(0);
      for (const { name: entry, type, magic, mode, uid, gid, mtime } of records) {
        expect({ type, magic, mode, uid, gid, mtime }).toEqual({
          type: "0",
          magic: "ustar  \0",
          mode: 0o777,
          uid: 0,
          gid: 0,
          mtime: 0,
        });
        expect(entry).toMatch(
          /^packages\/[^/]+\/(?:version\/)?(?:blobs\/sha256\/[0-9a-f]{64}|index\.json|oci-layout)$/,
        );
      }
    }
  });

  test("has layouts with all the annotations and types a push goes by", () => {
    for (const { records } of readAsReference(join(folder, name)).archives.values()) {
      const texts = new Map(records.map((record) => [record.name, Buffer.from(record.data).toString()]));
      for (const [entry, text] of texts) {
        if (entry.endsWith("oci-layout")) expect(JSON.parse(text)).toEqual({ imageLayoutVersion: "1.0.0" });
        if (!entry.endsWith("index.json")) continue;
        const { schemaVersion, mediaType, manifests } = JSON.parse(text);
        expect({ schemaVersion, mediaType }).toEqual({
          schemaVersion: 2,
          mediaType: "application/vnd.oci.image.index.v1+json",
        });
        expect(texts.has(entry.replace(/index\.json$/, "oci-layout"))).toBe(true);
        const references = manifests.map(({ annotations }: { annotations: Record<string, string> }) => {
          const tag = annotations["io.deckhouse.image.short_tag"];
          expect(tag).toMatch(/^[\w.-]+$/);
          expect(annotations["org.opencontainers.image.ref.name"]).toBe(
            `registry.example.com/fe/${entry.replace(/\/index\.json$/, "")}:${tag}`,
          );
          return annotations["org.opencontainers.image.ref.name"];
        });
        expect(references).toEqual(references.toSorted());
      }
    }
  });

  test.skipIf(chunkBytes === undefined)(
    "has chunks from 0000 on, each full but for the last, which is not empty",
    () => {
      const files = readdirSync(join(folder, name)).filter((file) => file.endsWith(".chunk"));
      const sets = Map.groupBy(files, (file) => file.replace(/\.[0-9]+\.chunk$/, ""));
      for (const [archive, chunks] of sets) {
        expect(chunks.sort()).toEqual(chunks.map((_, at) => `${archive}.${String(at).padStart(4, "0")}.chunk`));
        const sizes = chunks.map((file) => readFileSync(join(folder, name, file)).byteLength);
        expect(sizes.slice(0, -1).every((size) => size === chunkBytes)).toBe(true);
        expect(sizes.at(-1)).toBeGreaterThan(0);
        expect(sizes.at(-1)).toBeLessThanOrEqual(chunkBytes ?? 0);
      }
      expect(sets.size).toBeGreaterThan(2);
    },
  );

  test.skipIf(lacking("skopeo", "umoci").length > 0)(
    "unpacked by GNU tar has layouts that skopeo and umoci take",
    () => {
      const out = join(tempFolder(), "out");
      mkdirSync(out);
      const files = readdirSync(join(folder, name))
        .filter((file) => file.startsWith("package-console.tar"))
        .sort();
      const archive = join(out, "..", "archive.tar");
      writeFileSync(archive, Buffer.concat(files.map((file) => readFileSync(join(folder, name, file)))));
      gnuTar("-xf", archive, "-C", out);
      const layout = join(out, "packages/console");
      const reference = "registry.example.com/fe/packages/console:v1.46.0";
      const said = (command: string, ...args: readonly string[]) => execFileSync(command, args, { encoding: "utf8" });
      expect(said("umoci", "ls", "--layout", layout)).toContain(reference);
      said("skopeo", "copy", "--quiet", `oci:${layout}:${reference}`, `oci:${out}/copy:x`);
      const digest = said("skopeo", "inspect", "--format", "{{.Digest}}", `oci:${out}/copy:x`).trim();
      expect(digest).toBe(readAsReference(join(folder, name)).pushes.find(({ tag }) => tag === "v1.46.0")?.digest);
    },
  );
});

test("in chunks means the same as whole", () => {
  const [whole, chunked] = made.map(({ name }) => readAsReference(join(folder, name)));
  expect(chunked?.pushes).toEqual(whole?.pushes);
});
