import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BundleDirectory,
  type Inventory,
  inventoryOf,
  LayoutRegistry,
  lockFileName,
  PackagesService,
  parseLockFile,
  pull,
} from "@tranship/core";
import { MemoryRegistry } from "@tranship/registry";
import { anImage, anIndex, partsOf, type Seedable } from "@tranship/registry/testing";
import { packFolder } from "../support/gnu-tar.ts";
import { type ProductPackage, seedProduct } from "../support/product.ts";

/** A small bundle as it lies in its folder: its files by name. */
export interface FuzzBundle {
  readonly name: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The files of the bundle it was made over, without which it is not whole. */
  readonly base?: ReadonlyMap<string, Uint8Array> | undefined;
}

const product: readonly ProductPackage[] = [
  { name: "console", versions: ["v1.0.0"], channels: { stable: "v1.0.0", alpha: "v1.0.0" }, layerBytes: 100 },
  { name: "alb", versions: ["v2.0.0"], channels: { stable: "v2.0.0" }, layerBytes: 700 },
];

/** The same with a version more, which shares a layer with the one before. */
const nextProduct: readonly ProductPackage[] = product.map((one) =>
  one.name === "alb" ? { ...one, versions: [...one.versions, "v2.1.0"], channels: { stable: "v2.1.0" } } : one,
);

/** Valid bundles of every make: pulled by us, whole and in chunks, and made by GNU tar. */
export async function fuzzCorpus(): Promise<readonly FuzzBundle[]> {
  const folder = mkdtempSync(join(tmpdir(), "tranship-corpus-"));
  try {
    const [ours, oursInChunks, delta] = ["ours", "chunks", "delta"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await pulled(ours, product);
    await pulled(oursInChunks, product, { chunkBytes: 3000 });
    const lock = parseLockFile(readFileSync(join(ours, lockFileName), "utf8"), lockFileName);
    await pulled(delta, nextProduct, { base: inventoryOf(lock) });
    await layouts(join(folder, "tree"));
    for (const name of ["posix", "legacy", "several"]) mkdirSync(join(folder, name));
    const tree = (path: string) => join(folder, "tree", path);
    packFolder(tree(""), join(folder, "posix/platform.tar"), { format: "posix", names: ["."], flags: [] });
    packFolder(tree("modules/net"), join(folder, "legacy/module-net.tar"), { format: "v7" });
    packFolder(tree(""), join(folder, "several/a.tar"), { format: "ustar", names: ["modules", "oci-layout"] });
    packFolder(tree(""), join(folder, "several/b.tar"), { names: ["modules", "index.json", "blobs"] });
    return [
      bundleOf("ours", ours),
      bundleOf("ours, in chunks", oursInChunks),
      inChunks(bundleOf("in chunks, without a lock file", ours), 2500),
      { ...bundleOf("ours, over a base", delta), base: bundleOf("base", ours).files },
      bundleOf("GNU tar, PAX", join(folder, "posix")),
      bundleOf("GNU tar, a legacy module", join(folder, "legacy")),
      bundleOf("GNU tar, several archives of one layout", join(folder, "several")),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The archives cut up, as a tool without a lock file does it. */
function inChunks({ name, files }: FuzzBundle, chunkBytes: number): FuzzBundle {
  const archives = [...files].filter(([file]) => file.endsWith(".tar"));
  const chunks = archives.flatMap(([file, bytes]) =>
    Array.from({ length: Math.ceil(bytes.byteLength / chunkBytes) }, (_, at) => {
      const chunk = bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes);
      return [`${file}.${String(at).padStart(4, "0")}.chunk`, chunk] as const;
    }),
  );
  return { name, files: new Map(chunks) };
}

async function pulled(
  folder: string,
  packages: readonly ProductPackage[],
  { chunkBytes, base }: { readonly chunkBytes?: number; readonly base?: Inventory } = {},
): Promise<void> {
  const source = new MemoryRegistry({ name: "registry.example.com/fe" });
  await seedProduct(source, packages);
  await using bundle = await BundleDirectory.open(folder, { chunkBytes });
  await pull([new PackagesService({ source })], { to: bundle, base });
}

/** A root layout and a module, with Docker's types and an index of two platforms. */
async function layouts(folder: string): Promise<void> {
  const registry = await LayoutRegistry.open(folder, { create: true });
  const [amd64, arm64] = ["amd64", "arm64"].map((seed) => anImage({ seed, size: 300 }));
  if (!amd64 || !arm64) throw new Error("two images were made");
  await push(registry, "", anImage({ tags: ["v1", "stable"], docker: true }));
  await push(registry, "modules/net", anIndex({ images: [amd64, arm64], tag: "v1.0.0" }));
  await push(registry, "modules/net", anImage({ tag: "a".repeat(64), size: 10 }));
  await push(registry, "modules/net/release", anImage({ tag: "stable", files: { "version.json": "{}" } }));
}

async function push(registry: LayoutRegistry, path: string, thing: Seedable): Promise<void> {
  const repository = registry.repository(path);
  const { blobs, manifests } = partsOf(thing);
  for (const blob of blobs) {
    await repository.pushBlob(blob, async function* () {
      yield blob.bytes;
    });
  }
  for (const { manifest, tags } of manifests) await repository.pushManifest(manifest, { tags });
}

function bundleOf(name: string, folder: string): FuzzBundle {
  const names = readdirSync(folder)
    .filter((file) => !file.startsWith("."))
    .sort();
  return { name, files: new Map(names.map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))])) };
}
