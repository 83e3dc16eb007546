import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Registry, RegistryReader } from "@tranship/registry";
import { partsOf, type Seedable } from "@tranship/registry/testing";
import {
  describeDeleterContract,
  describeReaderContract,
  describeWriterContract,
} from "@tranship/registry/testing/contract";
import { expect } from "vitest";
import { Bundle } from "../bundle/bundle.ts";
import { blobPath } from "../plan/section.ts";
import { ImageLayout } from "./image-layout.ts";
import { LayoutContent } from "./layout-content.ts";
import { LayoutRegistry } from "./layout-registry.ts";
import type { LayoutRepository } from "./layout-repository.ts";

/** A folder for one test. */
class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "tranship-contract-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

async function fill(layout: LayoutRepository, things: readonly Seedable[]): Promise<void> {
  for (const { blobs, manifests } of things.map(partsOf)) {
    for (const blob of blobs) {
      await layout.pushBlob(blob, async function* () {
        yield blob.bytes;
      });
    }
    for (const { manifest, tags } of manifests) await layout.pushManifest(manifest, { tags });
  }
}

async function openLayouts(folder: Folder, paths: readonly string[]): Promise<ReadonlyMap<string, ImageLayout>> {
  const open = async (path: string) => [path, await ImageLayout.open(join(folder.path, path))] as const;
  return new Map(await Promise.all(paths.map(open)));
}

/** Layouts by their folders, enough of a registry for the contract. */
function readerOf(folder: Folder, layouts: ReadonlyMap<string, ImageLayout>): RegistryReader {
  return {
    name: folder.path,
    repository: (path) => layouts.get(path) ?? noLayout(join(folder.path, path)),
    async *repositories({ signal } = {}) {
      signal?.throwIfAborted();
      yield* layouts.keys();
    },
  };
}

function noLayout(name: string): LayoutContent {
  return new LayoutContent({
    name,
    index: () => undefined,
    stat: async () => undefined,
    async *pieces() {},
    places: async () => undefined,
    fileOf: () => name,
  });
}

function spoilBytes(file: string, offset: number): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Uint8Array.of(0xee, 0xee, 0xee, 0xee), 0, 4, offset);
  closeSync(descriptor);
}

describeReaderContract("an image layout", async () => {
  const folder = new Folder();
  const layouts = new Map<string, ImageLayout>();
  return {
    registry: readerOf(folder, layouts),
    async seed(path, ...things) {
      const place = join(folder.path, path);
      await fill(await ImageLayout.open(place), things);
      layouts.set(path, await ImageLayout.open(place)); // what is read is what another process would find
    },
    corrupt: (path, digest) => spoilBytes(join(folder.path, path, blobPath(digest)), 1000),
    async [Symbol.asyncDispose]() {
      folder[Symbol.dispose]();
    },
  };
});

describeWriterContract("an image layout", async () => {
  const folder = new Folder();
  const layouts = await openLayouts(folder, ["demo/app", "demo/one", "demo/two"]);
  const registry: Registry = {
    ...readerOf(folder, layouts),
    repository(path) {
      const layout = layouts.get(path);
      if (!layout) throw new Error(`the contract uses ${path} too`);
      return layout;
    },
  };
  return {
    registry,
    async [Symbol.asyncDispose]() {
      folder[Symbol.dispose]();
    },
  };
});

describeDeleterContract("an image layout", async () => {
  const folder = new Folder();
  const layouts = await openLayouts(folder, ["demo/app", "demo/twin", "demo/none"]);
  return {
    registry: {
      ...readerOf(folder, layouts),
      repository: (path) => layouts.get(path) ?? expect.fail(`the contract uses ${path} too`),
    },
    async [Symbol.asyncDispose]() {
      folder[Symbol.dispose]();
    },
  };
});

describeReaderContract("a directory of image layouts", async () => {
  const folder = new Folder();
  let registry = await LayoutRegistry.open(folder.path);
  return {
    get registry() {
      return registry;
    },
    async seed(path, ...things) {
      await fill(registry.repository(path), things);
      registry = await LayoutRegistry.open(folder.path); // what is read is what another process would find
    },
    corrupt: (path, digest) => spoilBytes(join(folder.path, path, blobPath(digest)), 1000),
    async [Symbol.asyncDispose]() {
      folder[Symbol.dispose]();
    },
  };
});

const openRegistry = async () => {
  const folder = new Folder();
  const registry = await LayoutRegistry.open(join(folder.path, "made"), { create: true });
  return {
    registry,
    async [Symbol.asyncDispose]() {
      folder[Symbol.dispose]();
    },
  };
};
describeWriterContract("a directory of image layouts", openRegistry);
describeDeleterContract("a directory of image layouts", openRegistry);

for (const format of ["gnu", "posix"]) {
  describeReaderContract(`a bundle packed by GNU tar (${format})`, async () => {
    const folder = new Folder();
    const [tree, out] = [join(folder.path, "tree"), join(folder.path, "bundle")];
    mkdirSync(tree);
    mkdirSync(out);
    let bundle: Bundle | undefined;
    return {
      get registry(): Bundle {
        if (!bundle) throw new Error("the contract seeds first");
        return bundle;
      },
      async seed(path, ...things) {
        await fill(await ImageLayout.open(join(tree, path)), things);
        const names = readdirSync(tree);
        execFileSync("tar", [`--format=${format}`, "-cf", join(out, "all.tar"), "-C", tree, ...names]);
        await bundle?.[Symbol.asyncDispose]();
        bundle = await Bundle.open(out);
      },
      corrupt(path, digest) {
        const name = `${path}/${blobPath(digest)}`;
        const entry = bundle?.archives[0]?.entries.find((other) => other.name === name);
        spoilBytes(join(out, "all.tar"), (entry?.offset ?? Number.NaN) + 1000);
      },
      async [Symbol.asyncDispose]() {
        await bundle?.[Symbol.asyncDispose]();
        folder[Symbol.dispose]();
      },
    };
  });
}
