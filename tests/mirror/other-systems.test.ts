import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, dirname, join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  cleanBundle,
  ImageLayout,
  LayoutRegistry,
  PackagesService,
  pushBundle,
  verify,
  verifyBundle,
} from "@tranship/core";
import { createRegistry, type Tag } from "@tranship/registry";
import { anImage, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { aSource, pullInto } from "../support/mirror.ts";
import { type ProductPackage, pushImage } from "../support/product.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { noWindowsFolder, windowsFolder } from "../support/windows-folder.ts";

const ofDevices = ["aux", "con", "nul"].map(
  (name): ProductPackage => ({ name, versions: ["v1.0.0"], channels: { stable: "v1.0.0" }, layerBytes: 4000 }),
);

describe.skipIf(noWindowsFolder !== undefined)(`where names are as on Windows${reason(noWindowsFolder)}`, () => {
  test("packages called as devices are pulled, checked, pushed and cleaned up after", async () => {
    await using registry = await aSource(ofDevices);
    const folder = join(windowsFolder(), "bundle");
    await pullInto(folder, registry.host, [], { chunkBytes: 10_000 });
    await pullInto(folder, registry.host); // takes the place of the chunks
    expect(fs.readdirSync(folder)).toEqual(expect.arrayContaining(["package-con.tar", "package-nul.tar"]));
    await using bundle = await Bundle.open(folder);
    expect((await verifyBundle(bundle)).ok).toBe(true);
    await using source = createRegistry(`${registry.host}/demo/fe`);
    await using to = await startTestRegistry();
    await using target = createRegistry(`${to.host}/mirror`);
    await pushBundle(bundle, target);
    expect((await verify(target, await new PackagesService({ source }).plan())).ok).toBe(true);
    expect(await cleanBundle(folder)).toMatchObject({ abandoned: false });
  });

  test("a pull that was cut goes on, and another spelling of the folder is the same folder", async () => {
    await using registry = await aSource(ofDevices);
    const folder = join(windowsFolder(), "bundle");
    const cut = new AbortController();
    const onEvent = ({ type }: { readonly type: string }) => type === "archive.finished" && cut.abort();
    await expect(pullInto(folder, registry.host, [], { onEvent, signal: cut.signal })).rejects.toThrow();
    const other = join(dirname(folder), "BUNDLE");
    {
      await using _held = await BundleDirectory.open(folder);
      await expect(BundleDirectory.open(other)).rejects.toMatchObject({ code: "BUNDLE_LOCKED" });
    }
    registry.reset();
    await pullInto(other, registry.host);
    await using bundle = await Bundle.open(folder);
    expect((await verifyBundle(bundle)).ok).toBe(true);
  });

  test("layouts keep tags that differ in case, and refuse repositories whose folders cannot be", async () => {
    const layouts = await LayoutRegistry.open(windowsFolder());
    const images = ["v1", "V1"].map((tag) => anImage({ tag: tag as Tag, files: { tag } }));
    for (const image of images) await pushImage(layouts, "team/app", image);
    const reopened = (await LayoutRegistry.open(layouts.path)).repository("team/app");
    for (const { manifest, tags } of images) {
      expect(await reopened.resolve(tags[0] as Tag)).toMatchObject({ digest: manifest.descriptor.digest });
    }
    const path = join(layouts.path, "team/con");
    const failure = pushImage(layouts, "team/con", anImage({ tag: "v1" }));
    await expect(failure).rejects.toMatchObject({ code: "FILE_FAILED", details: { path } });
    expect(await Array.fromAsync(layouts.repositories())).toEqual(["team/app"]);
  });
});

describe("a system that holds on to open files", () => {
  test("gets an index in place of one that is read just now", async () => {
    const layout = await ImageLayout.open(tempFolder());
    const refused = refuse("rename", "EBUSY", (path) => basename(path) === "index.json", 2);
    await pushTo(layout, "v1");
    expect(refused.left()).toBe(0);
    expect(await Array.fromAsync(layout.tags())).toEqual(["v1"]);
  });

  test("and does not let go for a long time fails the write, and leaves no unfinished file", async () => {
    const folder = tempFolder();
    const layout = await ImageLayout.open(folder);
    refuse("rename", "EBUSY", (path) => basename(path) === "index.json", Number.POSITIVE_INFINITY);
    await expect(pushTo(layout, "v1")).rejects.toMatchObject({
      code: "FILE_FAILED",
      message: expect.stringContaining("another program uses it"),
    });
    expect(fs.readdirSync(folder).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("keeps the lock of a bundle that is cleaned, which stays as good as it was", async () => {
    await using registry = await aSource(ofDevices);
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["con"]);
    fs.writeFileSync(join(folder, "package-old.tar.partial"), "left");
    const refused = refuse("rmSync", "EBUSY", (path) => basename(path) === "lock", 1);
    expect(await cleanBundle(folder)).toMatchObject({ abandoned: true });
    expect(refused.left()).toBe(0);
    await pullInto(folder, registry.host, ["con"]);
    await using bundle = await Bundle.open(folder);
    expect((await verifyBundle(bundle)).ok).toBe(true);
  });
});

async function pushTo(layout: ImageLayout, tag: Tag): Promise<void> {
  const { blobs, manifest, tags } = anImage({ tag });
  for (const blob of blobs) {
    await layout.pushBlob(blob, async function* (offset) {
      yield blob.bytes.subarray(offset);
    });
  }
  await layout.pushManifest(manifest, { tags });
}

/** Lets a call of the file system fail `times` times, until the test ends, where the path it changes is one of these. */
function refuse(name: "rename" | "rmSync", code: string, isMeant: (path: string) => boolean, times: number) {
  const home: object = name === "rename" ? fs.promises : fs;
  const call: (...args: readonly unknown[]) => unknown = Reflect.get(home, name);
  let left = times;
  const refusing = (...args: readonly unknown[]) => {
    if (left === 0 || !isMeant(String(args[name === "rename" ? 1 : 0]))) return call(...args);
    left -= 1;
    const error = Object.assign(new Error(`${code}: said by a test, ${name}`), { code });
    if (name === "rename") return Promise.reject(error);
    throw error;
  };
  Reflect.set(home, name, refusing);
  syncBuiltinESMExports();
  onTestFinished(() => {
    Reflect.set(home, name, call);
    syncBuiltinESMExports();
  });
  return { left: () => left };
}

function reason(why: string | undefined): string {
  return why === undefined ? "" : ` (${why})`;
}
