import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  type Blob,
  type Digest,
  MediaType,
  MemoryRegistry,
  manifestOf,
  type RepositoryReader,
  type RepositoryWriter,
  type Tag,
} from "@tranship/registry";
import { startServer } from "@tranship/registry/server";
import { aBlob, anArtifact, anImage, anIndex, partsOf, type Seedable, seedMemory } from "@tranship/registry/testing";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { blobPath } from "../plan/section.ts";
import { pushBundle } from "../push/push-bundle.ts";
import { encodeIndexFile, parseIndexFile } from "./index-file.ts";
import { LayoutDirectory } from "./layout-directory.ts";
import { entryFor } from "./layout-entry.ts";
import { LayoutRegistry } from "./layout-registry.ts";
import { SubjectCache } from "./subject-cache.ts";

const run = promisify(execFile);
const hasSkopeo = await run("skopeo", ["--version"]).then(
  () => true,
  () => false,
);
const hasOtherDevice = existsSync("/dev/shm") && statSync("/dev/shm").dev !== statSync(tmpdir()).dev;

let folder = "";
let root = "";
let registry: LayoutRegistry;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tranship-layouts-"));
  root = join(folder, "root");
  registry = await LayoutRegistry.open(root, { create: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytesOf = (bytes: Uint8Array) =>
  async function* () {
    yield bytes;
  };

async function push(repository: RepositoryReader & RepositoryWriter, thing: Seedable): Promise<void> {
  const { blobs, manifests } = partsOf(thing);
  await Promise.all(blobs.map((blob) => repository.pushBlob(blob, bytesOf(blob.bytes))));
  for (const { manifest, tags } of manifests) await repository.pushManifest(manifest, { tags });
}

function sourceOf(thing: Seedable): MemoryRegistry {
  const source = new MemoryRegistry();
  seedMemory(source, "app", [thing]);
  return source;
}

/** What a new process finds. */
async function reopened(path: string): Promise<RepositoryReader> {
  return (await LayoutRegistry.open(root)).repository(path);
}

function filesBelow(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, encoding: "utf8" }).sort();
}

describe("opening", () => {
  test("refuses a directory that is not there, unless it is to be made", async () => {
    const missing = join(folder, "none", "deep");
    await expect(LayoutRegistry.open(missing)).rejects.toMatchObject({ code: "FILE_FAILED" });
    const empty = await LayoutRegistry.open(missing, { create: true, readOnly: true });
    expect(await Array.fromAsync(empty.repositories())).toEqual([]);
    expect(await empty.repository("a").resolve("v1")).toBeUndefined();
    expect(existsSync(missing)).toBe(false);
    await LayoutRegistry.open(missing, { create: true });
    expect(readdirSync(missing)).toEqual([]);
  });

  test("refuses a file", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(LayoutRegistry.open(join(folder, "file"))).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  });

  test("read-only, it refuses every write and makes nothing", async () => {
    const image = anImage({ tag: "v1" });
    await push(registry.repository("a"), image);
    const before = filesBelow(root);
    const repository = (await LayoutRegistry.open(root, { readOnly: true })).repository("a");
    const blob = aBlob({ seed: "new" });
    for (const write of [
      repository.pushBlob(blob, bytesOf(blob.bytes)),
      repository.pushManifest(image.manifest, { tags: ["v2"] }),
      repository.deleteTag("v1"),
      repository.deleteManifest(image.manifest.descriptor.digest),
      repository.deleteBlob(image.config.digest),
    ]) {
      await expect(write).rejects.toMatchObject({ code: "UNSUPPORTED" });
    }
    expect(filesBelow(root)).toEqual(before);
    expect((await repository.manifest("v1")).bytes).toEqual(image.manifest.bytes);
  });
});

describe("paths", () => {
  test("asking a repository that does not exist makes nothing", async () => {
    const { digest } = aBlob();
    const repository = registry.repository("a/b");
    expect(await repository.resolve("v1")).toBeUndefined();
    expect(await repository.statBlob(digest)).toBeUndefined();
    await expect(repository.manifest("v1")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(Array.fromAsync(repository.tags())).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await Array.fromAsync(repository.referrers(digest))).toEqual([]);
    expect(await repository.deleteTag("v1")).toBe(false);
    expect(await repository.deleteManifest(digest)).toBe(false);
    expect(await repository.deleteBlob(digest)).toBe(false);
    await expect(
      repository.pushBlob(aBlob(), bytesOf(new Uint8Array()), { signal: AbortSignal.abort() }),
    ).rejects.toThrow();
    expect(readdirSync(root)).toEqual([]);
  });

  test("a repository is the layout in its folder, the root's own in the root", async () => {
    const image = anImage({ tag: "v1" });
    for (const path of ["", "a", "a/b"]) await push(registry.repository(path), image);
    for (const path of ["", "a", "a/b"]) {
      const layout = join(root, path);
      expect(readdirSync(layout)).toEqual(expect.arrayContaining(["blobs", "index.json", "oci-layout"]));
      expect((await (await reopened(path)).resolve("v1"))?.digest).toBe(image.manifest.descriptor.digest);
    }
    expect(await Array.fromAsync(registry.repositories())).toEqual(["", "a", "a/b"]);
  });

  test("all who ask for a repository share it", () => {
    expect(registry.repository("a/b")).toBe(registry.repository("a/b"));
  });

  test.for(["a/blobs", "a/blobs/sha256", "blobs", "a/index.json", "oci-layout/a", "../a", "a//b", "A", ".a", "/a"])(
    "%s is no repository",
    (path) => {
      expect(() => registry.repository(path)).toThrow(expect.objectContaining({ code: "INVALID_REFERENCE" }));
    },
  );

  test("repositories are listed in the order of their bytes", async () => {
    const paths = ["a", "a-b", "a-b/c", "a.b", "a/b", "a/b-c", "a/b/c", "a0", "a_b/d", "z"];
    for (const path of paths.toReversed()) await push(registry.repository(path), anImage({ tag: "v1" }));
    expect(await Array.fromAsync(registry.repositories())).toEqual(paths);
    expect([...paths].sort()).toEqual(paths);
  });

  test("only folders with a layout are listed, and what lies in blobs, dot files and links is not", async () => {
    await push(registry.repository("a/b"), anImage({ tag: "v1" }));
    for (const other of ["a/b/blobs/inner", ".hidden", "Upper", "empty"]) {
      mkdirSync(join(root, other), { recursive: true });
      if (other !== "empty") writeFileSync(join(root, other, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    }
    mkdirSync(join(root, "odd", "oci-layout"), { recursive: true });
    symlinkSync(join(root, "a"), join(root, "linked"));
    expect(await Array.fromAsync(registry.repositories())).toEqual(["a/b"]);
  });

  test("the list is found as it is asked for, and ends when told to", async () => {
    for (const path of ["a", "b"]) await push(registry.repository(path), anImage({ tag: "v1" }));
    const list = registry.repositories();
    expect(await list.next()).toEqual({ done: false, value: "a" });
    await push(registry.repository("b/later"), anImage({ tag: "v1" }));
    expect(await Array.fromAsync(list)).toEqual(["b", "b/later"]);
    const reason = new Error("enough");
    await expect(Array.fromAsync(registry.repositories({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  });
});

describe("symbolic links", () => {
  const image = anImage({ tag: "v1" });
  let outside = "";
  beforeEach(async () => {
    outside = join(folder, "outside");
    await push((await LayoutRegistry.open(outside, { create: true })).repository("inner"), image);
  });

  async function expectRefused(path: string): Promise<void> {
    const repository = registry.repository(path);
    const blob = aBlob({ seed: "new" });
    const before = filesBelow(outside);
    for (const call of [
      () => repository.resolve("v1"),
      () => repository.manifest(image.manifest.descriptor.digest),
      () => repository.statBlob(image.config.digest),
      () => Array.fromAsync(repository.fetchBlob(image.config)),
      () => Array.fromAsync(repository.tags()),
      () => repository.pushBlob(blob, bytesOf(blob.bytes)),
      () => push(repository, image),
      () => repository.deleteTag("v1"),
      () => repository.deleteManifest(image.manifest.descriptor.digest),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
    }
    expect(filesBelow(outside)).toEqual(before);
  }

  test("a repository that is a link is neither read nor written", async () => {
    symlinkSync(join(outside, "inner"), join(root, "app"));
    await expectRefused("app");
  });

  test("nor is one below a link", async () => {
    symlinkSync(outside, join(root, "app"));
    await expectRefused("app/inner");
  });

  test("nothing is made below a link, not even below one that leads nowhere", async () => {
    symlinkSync(outside, join(root, "app"));
    symlinkSync(join(folder, "nowhere"), join(root, "dangling"));
    for (const path of ["app/new", "dangling", "dangling/new"]) {
      await expect(push(registry.repository(path), image)).rejects.toThrow();
    }
    expect(readdirSync(outside)).toEqual(["inner"]);
    expect(readdirSync(folder).sort()).toEqual(["outside", "root"]);
  });

  test("a link that took the place of a repository in use is noticed", async () => {
    const repository = registry.repository("app");
    await push(repository, image);
    renameSync(join(root, "app"), join(folder, "moved"));
    symlinkSync(join(outside, "inner"), join(root, "app"));
    await expect(repository.resolve("v1")).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  });

  test("a layout whose blobs lie elsewhere is refused", async () => {
    await push(registry.repository("app"), image);
    rmSync(join(root, "app", "blobs"), { recursive: true });
    symlinkSync(join(outside, "inner", "blobs"), join(root, "app", "blobs"));
    const repository = registry.repository("app");
    await expect(repository.statBlob(image.config.digest)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
    await expect(repository.deleteManifest(image.manifest.descriptor.digest)).rejects.toThrow();
    const blob = aBlob({ seed: "new" });
    await expect(repository.pushBlob(blob, bytesOf(blob.bytes))).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  });

  test.for(["index.json", "oci-layout"])(
    "a layout whose %s lies elsewhere is refused, and the file is left alone",
    async (name) => {
      const elsewhere = join(outside, "inner", name);
      const text = readFileSync(elsewhere, "utf8");
      await push(registry.repository("app"), image);
      rmSync(join(root, "app", name));
      symlinkSync(elsewhere, join(root, "app", name));
      const repository = (await LayoutRegistry.open(root)).repository("app");
      await expect(repository.resolve("v1")).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
      await expect(push(repository, anImage({ tag: "v2", seed: "new" }))).rejects.toMatchObject({
        code: "LAYOUT_INVALID",
      });
      expect(readFileSync(elsewhere, "utf8")).toBe(text);
    },
  );

  test("the directory itself may be reached by a link", async () => {
    symlinkSync(outside, join(folder, "link"));
    const linked = await LayoutRegistry.open(join(folder, "link"));
    expect(await linked.repository("inner").resolve("v1")).toBeDefined();
    expect(linked.path).toBe(outside);
  });
});

describe("manifests", () => {
  test("one pushed by digest is found again by a new process, with the type it was pushed with", async () => {
    const { config, layers } = anImage();
    const body = {
      schemaVersion: 2,
      config: { ...config, bytes: undefined },
      layers: layers.map((layer) => ({ ...layer, bytes: undefined })),
    };
    const manifest = manifestOf(new TextEncoder().encode(JSON.stringify(body)), MediaType.dockerManifest);
    await registry.repository("app").pushManifest(manifest);
    const found = await (await reopened("app")).resolve(manifest.descriptor.digest);
    expect(found).toEqual(manifest.descriptor);
  });

  test("one that lost its tag to another stays listed by its digest, once", async () => {
    const [one, two] = [anImage({ seed: "one", tags: ["v1", "latest"] }), anImage({ seed: "two", tag: "latest" })];
    const repository = registry.repository("app");
    for (const image of [one, two]) await push(repository, image);
    await repository.pushManifest(two.manifest, { tags: ["v1"] });
    const listed = parseIndexFile(readFileSync(join(root, "app", "index.json")));
    expect(listed.map(({ digest }) => digest).sort()).toEqual(
      [one, two, two].map(({ manifest }) => manifest.descriptor.digest).sort(),
    );
    await repository.pushManifest(one.manifest, { tags: ["old"] });
    expect(parseIndexFile(readFileSync(join(root, "app", "index.json")))).toHaveLength(3);
    expect((await Array.fromAsync((await reopened("app")).tags())).sort()).toEqual(["latest", "old", "v1"]);
  });

  test("a deleted one leaves neither entry nor file", async () => {
    const image = anImage({ tags: ["v1", "v2"] });
    const { digest } = image.manifest.descriptor;
    await push(registry.repository("app"), image);
    expect(await registry.repository("app").deleteManifest(digest)).toBe(true);
    expect(existsSync(join(root, "app", blobPath(digest)))).toBe(false);
    expect(parseIndexFile(readFileSync(join(root, "app", "index.json")))).toEqual([]);
    expect(await (await reopened("app")).resolve(digest)).toBeUndefined();
  });

  test("a listed manifest is not deleted as a blob", async () => {
    const image = anImage({ tag: "v1" });
    await push(registry.repository("app"), image);
    expect(await registry.repository("app").deleteBlob(image.manifest.descriptor.digest)).toBe(false);
    expect((await registry.repository("app").manifest("v1")).bytes).toEqual(image.manifest.bytes);
  });

  test("a tag that several entries claim goes with all of them", async () => {
    const [one, two] = [anImage({ seed: "one" }), anImage({ seed: "two" })];
    await push(registry.repository("app"), anIndex({ tag: "both", images: [one, two] }));
    const entries = [one, two].map(({ manifest }) => ({
      ...manifest.descriptor,
      annotations: { "org.opencontainers.image.ref.name": "v1" },
    }));
    writeFileSync(join(root, "app", "index.json"), encodeIndexFile(entries));
    const repository = registry.repository("app");
    expect((await repository.resolve("v1"))?.digest).toBe(two.manifest.descriptor.digest);
    expect(await repository.deleteTag("v1")).toBe(true);
    expect(await repository.resolve("v1")).toBeUndefined();
    for (const { manifest } of [one, two]) {
      expect(await repository.resolve(manifest.descriptor.digest)).toEqual(manifest.descriptor);
    }
  });
});

describe("referrers", () => {
  /** Manifests read while `work` runs. */
  async function readsDuring(
    repository: RepositoryReader,
    work: () => Promise<unknown>,
  ): Promise<readonly (Tag | Digest)[]> {
    const spy = vi.spyOn(repository, "manifest");
    try {
      await work();
      return spy.mock.calls.map(([reference]) => reference);
    } finally {
      spy.mockRestore();
    }
  }

  test("asked again, reads the referrers alone, also after a restart", async () => {
    const image = anImage({ tag: "v1" });
    const artifact = anArtifact({ subject: image, artifactType: "application/one" });
    await push(registry.repository("app"), image);
    for (let at = 0; at < 5; at += 1) await push(registry.repository("app"), anImage({ seed: `${at}`, tag: `t${at}` }));
    await push(registry.repository("app"), artifact);
    const subject = image.manifest.descriptor.digest;
    const ask = (repository: RepositoryReader) => Array.fromAsync(repository.referrers(subject));
    const written = registry.repository("app");
    expect(await readsDuring(written, () => ask(written))).toEqual([artifact.manifest.descriptor.digest]);
    const found = await reopened("app");
    expect(await readsDuring(found, () => ask(found))).toHaveLength(7);
    expect(await readsDuring(found, () => ask(found))).toEqual([artifact.manifest.descriptor.digest]);
    const other = anArtifact({ subject: image, artifactType: "application/two" });
    await push(written, other);
    expect((await ask(found)).map(({ artifactType }) => artifactType)).toEqual(["application/one", "application/two"]);
    await written.deleteManifest(artifact.manifest.descriptor.digest);
    expect((await ask(found)).map(({ artifactType }) => artifactType)).toEqual(["application/two"]);
  });

  test("asked for the referrers of every image, looks at each entry of the index so many times and not as often as it is asked", async () => {
    const images = Array.from({ length: 60 }, (_, at) => anImage({ tag: `v${at}`, seed: `${at}` }));
    const artifacts = images.map((subject) => anArtifact({ subject, artifactType: "application/one" }));
    const repository = registry.repository("app");
    for (const one of [...images, ...artifacts]) await push(repository, one);
    const looks = vi.spyOn(SubjectCache.prototype, "knows");
    for (const [at, { manifest }] of images.entries()) {
      const found = await Array.fromAsync(repository.referrers(manifest.descriptor.digest));
      expect(found.map(({ digest }) => digest)).toEqual([artifacts[at]?.manifest.descriptor.digest]);
    }
    expect(looks.mock.calls.length).toBeLessThan(10 * images.length);
    looks.mockRestore();
  });

  test.for(["at hand", "after a restart"])("are not told as long as one may be among lost files: %s", async (when) => {
    const image = anImage({ tag: "v1" });
    const [kept, lost] = ["one", "two"].map((artifactType) => anArtifact({ subject: image, artifactType }));
    if (!kept || !lost) throw new Error("two were made");
    for (const one of [image, kept, lost]) await push(registry.repository("app"), one);
    rmSync(join(root, "app", blobPath(lost.manifest.descriptor.digest)));
    const repository = when === "at hand" ? registry.repository("app") : await reopened("app");
    const ask = () => Array.fromAsync(repository.referrers(image.manifest.descriptor.digest));
    await expect(ask()).rejects.toMatchObject({
      code: "INVALID_MANIFEST",
      details: { reason: "it is listed, and is not there" },
    });
    await push(registry.repository("app"), lost);
    expect(await ask()).toHaveLength(2);
  });

  test("are listed while some of them are deleted", async () => {
    const image = anImage({ tag: "v1" });
    const repository = registry.repository("app");
    await push(repository, image);
    const artifacts = Array.from({ length: 20 }, (_, at) => anArtifact({ subject: image, artifactType: `a/${at}` }));
    for (const artifact of artifacts) await push(repository, artifact);
    const [gone, stay] = [artifacts.slice(0, 15), artifacts.slice(15)];
    const ask = () => Array.fromAsync(repository.referrers(image.manifest.descriptor.digest));
    const deleting = Promise.all(gone.map(({ manifest }) => repository.deleteManifest(manifest.descriptor.digest)));
    const lists = await Promise.all(Array.from({ length: 40 }, ask));
    await deleting;
    const staying = stay.map(({ manifest }) => manifest.descriptor.digest);
    for (const list of [...lists, await ask()]) expect(list.map(({ digest }) => digest).slice(-5)).toEqual(staying);
    expect(await ask()).toHaveLength(5);
  });

  test("a referrer that lost its tag to another is still listed", async () => {
    const image = anImage({ tag: "v1" });
    const types = ["application/one", "application/two"];
    const repository = registry.repository("app");
    await push(repository, image);
    for (const artifactType of types) {
      const artifact = anArtifact({ subject: image, artifactType });
      await push(repository, artifact);
      await repository.pushManifest(artifact.manifest, { tags: ["signature"] });
    }
    const listed = await Array.fromAsync((await reopened("app")).referrers(image.manifest.descriptor.digest));
    expect(listed.map(({ artifactType }) => artifactType).sort()).toEqual(types);
  });
});

describe("tags that are gathered", () => {
  const images = Array.from({ length: 30 }, (_, at) => anImage({ tag: `v${at}`, seed: `${at}` }));
  const tagsIn = async (path: string) => Array.fromAsync((await reopened(path)).tags()).catch(() => []);

  test("are written together, and found by whoever asks the same registry", async () => {
    const end = registry.gatherTags();
    for (const image of images) await push(registry.repository("app"), image);
    expect(await tagsIn("app")).toEqual([]);
    expect(await registry.repository("app").resolve("v3")).toMatchObject({
      digest: images[3]?.manifest.descriptor.digest,
    });
    await registry.repository("other").pushBlob(aBlob({ size: 10 }), bytesOf(aBlob({ size: 10 }).bytes));
    await end();
    expect(await tagsIn("app")).toEqual(images.map((_, at) => `v${at}`));
  });

  test("are written when the last has ended, and one by one afterwards", async () => {
    const [first, second] = [registry.gatherTags(), registry.gatherTags()];
    const [one, two, three] = images;
    if (!one || !two || !three) return expect.unreachable();
    await push(registry.repository("app"), one);
    await first();
    await push(registry.repository("app"), two);
    await second();
    expect(await tagsIn("app")).toEqual(["v0", "v1"]);
    await push(registry.repository("app"), three);
    expect(await tagsIn("app")).toEqual(["v0", "v1", "v2"]);
  });

  test("are in the index with what is deleted and changed meanwhile", async () => {
    const end = registry.gatherTags();
    const repository = registry.repository("app");
    const [one, two] = images;
    if (!one || !two) return expect.unreachable();
    await push(repository, one);
    await push(repository, two);
    expect(await repository.deleteTag("v0")).toBe(true);
    await end();
    expect(await tagsIn("app")).toEqual(["v1"]);
    expect(await (await reopened("app")).resolve(one.manifest.descriptor.digest)).toBeDefined();
  });

  test("cost writes in proportion to the index, not to their number", async () => {
    const directory = LayoutDirectory.at(join(root, "many"));
    const written = vi.spyOn(directory, "writeTags");
    const { manifest } = anImage({ seed: "many" });
    const end = 20_000;
    for (let at = 0; at < end; at += 1) {
      await directory.gatherTags([entryFor(manifest.descriptor, `v${at}`)]);
    }
    await directory.writeTags();
    expect(written.mock.calls.length).toBeLessThan(12);
    expect((await directory.index())?.tags.size).toBe(end);
  });
});

describe("mounting", () => {
  const blob = aBlob({ size: 10_000 });

  test("gives the other repository's file a second name", async () => {
    await registry.repository("one").pushBlob(blob, bytesOf(blob.bytes));
    const never = () => expect.fail("nothing is to be read");
    const mountFrom = ["../one", "blobs", "none", "one"];
    expect(await registry.repository("two/deep").pushBlob(blob, never, { mountFrom })).toBe("mounted");
    const [one, two] = ["one", "two/deep"].map((path) => statSync(join(root, path, blobPath(blob.digest))).ino);
    expect(two).toBe(one);
    expect(await Array.fromAsync(registry.repositories())).toEqual(["one", "two/deep"]);
    await registry.repository("one").deleteBlob(blob.digest);
    expect(await registry.repository("two/deep").statBlob(blob.digest)).toEqual({ size: blob.size });
    expect(filesBelow(root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("replaces a file of the wrong size", async () => {
    for (const path of ["one", "two"]) await registry.repository(path).pushBlob(blob, bytesOf(blob.bytes));
    writeFileSync(join(root, "two", blobPath(blob.digest)), "short");
    await registry.repository("two").pushBlob(blob, bytesOf(blob.bytes), { mountFrom: ["one"] });
    expect(readFileSync(join(root, "two", blobPath(blob.digest)))).toEqual(Buffer.from(blob.bytes));
  });

  test.skipIf(!hasOtherDevice)("copies and hashes where no second name can be given", async () => {
    const away = mkdtempSync("/dev/shm/tranship-layouts-");
    try {
      const source = LayoutDirectory.at(join(away, "one"));
      await source.writeBlob(blob, bytesOf(blob.bytes)());
      const target = LayoutDirectory.at(join(root, "two"));
      expect(await target.linkBlob(blob, source)).toBe(true);
      expect(readFileSync(target.fileOf(blob.digest))).toEqual(Buffer.from(blob.bytes));
      writeFileSync(source.fileOf(blob.digest), "x".repeat(blob.size));
      rmSync(target.fileOf(blob.digest));
      await expect(target.linkBlob(blob, source)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
      expect(filesBelow(join(root, "two"))).not.toContain(blobPath(blob.digest));
    } finally {
      rmSync(away, { recursive: true });
    }
  });

  test("from a link is passed over", async () => {
    await registry.repository("one").pushBlob(blob, bytesOf(blob.bytes));
    renameSync(join(root, "one"), join(folder, "outside"));
    symlinkSync(join(folder, "outside"), join(root, "one"));
    expect(await registry.repository("two").pushBlob(blob, bytesOf(blob.bytes), { mountFrom: ["one"] })).toBe(
      "written",
    );
  });
});

describe("several at once", () => {
  test("many writers of one repository and of many lose nothing", async () => {
    const images = Array.from({ length: 40 }, (_, at) => anImage({ seed: `${at}`, tag: `v${at}` }));
    const paths = ["a", "a/b", "c"];
    await Promise.all(paths.flatMap((path) => images.map((image) => push(registry.repository(path), image))));
    for (const path of paths) {
      const found = await reopened(path);
      expect(new Set(await Array.fromAsync(found.tags()))).toEqual(new Set(images.map((_, at) => `v${at}`)));
      for (const { manifest } of images)
        expect((await found.manifest(manifest.descriptor.digest)).bytes).toEqual(manifest.bytes);
    }
  });

  test("a manifest pushed while it is deleted is whole or gone", async () => {
    const image = anImage({ tag: "v1" });
    const { digest } = image.manifest.descriptor;
    const repository = registry.repository("app");
    await push(repository, image);
    for (let round = 0; round < 20; round += 1) {
      await Promise.all([
        repository.deleteManifest(digest),
        repository.pushManifest(image.manifest, { tags: ["v1"] }),
        repository.deleteManifest(digest),
        repository.pushManifest(image.manifest, { tags: ["v1"] }),
      ]);
      expect((await repository.manifest("v1")).bytes).toEqual(image.manifest.bytes);
    }
  });

  describe("what is deleted when its size is known is missing, and no failure of the file system:", () => {
    /** A repository whose blobs go when somebody asks for their size. */
    async function withVanishing({ digest, size, bytes }: Blob & { readonly bytes: Uint8Array }) {
      const repository = registry.repository("app");
      await repository.pushBlob({ digest, size }, bytesOf(bytes));
      const stat = vi.spyOn(LayoutDirectory.prototype, "stat").mockImplementation(async () => {
        rmSync(join(root, "app", blobPath(digest)), { force: true });
        return size;
      });
      onTestFinished(() => stat.mockRestore());
      return repository;
    }

    test("a blob", async () => {
      const blob = aBlob({ size: 1000 });
      const reading = Array.fromAsync((await withVanishing(blob)).fetchBlob(blob));
      await expect(reading).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    test("a manifest that is not listed", async () => {
      const { descriptor, bytes } = anImage().manifest;
      const repository = await withVanishing({ ...descriptor, bytes });
      expect(await repository.resolve(descriptor.digest)).toBeUndefined();
      await expect(repository.manifest(descriptor.digest)).rejects.toMatchObject({ code: "NOT_FOUND" });
    });
  });

  test("a served tag that many give if it is not there is given by one", async () => {
    await using server = await startServer(registry);
    const images = Array.from({ length: 6 }, (_, at) => anImage({ seed: `${at}` }));
    const answers = await Promise.all(
      images.map(({ manifest: { descriptor, bytes } }) =>
        fetch(`${server.url}/v2/app/manifests/v1`, {
          method: "PUT",
          headers: { "content-type": descriptor.mediaType, "if-none-match": "*" },
          body: new Uint8Array(bytes),
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 412, 412, 412, 412, 412]);
    const winner = images.find((_, at) => answers[at]?.status === 201);
    expect((await registry.repository("app").resolve("v1"))?.digest).toBe(winner?.manifest.descriptor.digest);
  });

  test("what another process wrote is noticed, and kept by the next write", async () => {
    const other = await LayoutRegistry.open(root);
    const [one, two, three] = ["one", "two", "three"].map((seed) => anImage({ seed, tag: seed }));
    if (!one || !two || !three) throw new Error("three were made");
    await push(registry.repository("app"), one);
    expect(await other.repository("app").resolve("one")).toBeDefined();
    await push(other.repository("app"), two);
    expect(await registry.repository("app").resolve("two")).toBeDefined();
    await push(registry.repository("app"), three);
    expect(await Array.fromAsync(other.repository("app").tags())).toEqual(["one", "two", "three"]);
  });

  test("a repository whose folder is removed is gone, and comes again with the next write", async () => {
    const image = anImage({ tag: "v1" });
    const repository = registry.repository("app");
    await push(repository, image);
    rmSync(join(root, "app"), { recursive: true });
    await expect(repository.manifest("v1")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await push(repository, image);
    expect((await (await reopened("app")).manifest("v1")).bytes).toEqual(image.manifest.bytes);
  });

  test("a name whose manifest lost its file is a name for nothing, until the manifest is pushed again", async () => {
    const image = anImage({ tag: "v1" });
    const { digest, size } = image.manifest.descriptor;
    const repository = registry.repository("app");
    await push(repository, image);
    const file = join(root, "app", blobPath(digest));
    rmSync(file);
    for (const reference of ["v1", digest]) expect(await repository.resolve(reference)).toBeUndefined();
    const report = await pushBundle(sourceOf(image), registry);
    expect([report.images.written, statSync(file).size]).toEqual([1, size]);
    expect(await repository.resolve("v1")).toMatchObject({ digest });
    rmSync(file);
    expect(await repository.deleteManifest(digest)).toBe(true);
    expect(await Array.fromAsync(repository.tags())).toEqual([]);
  });

  test("a change that fails is told to its caller alone", async () => {
    const directory = await LayoutDirectory.open(join(root, "app"));
    const { descriptor } = anImage().manifest;
    const changes = await Promise.allSettled([
      directory.change((index) => [...index.descriptors, descriptor]),
      directory.change(() => {
        throw new Error("no");
      }),
      directory.change((index) => [...index.descriptors, { ...descriptor, annotations: { a: "b" } }]),
    ]);
    expect(changes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(parseIndexFile(readFileSync(join(root, "app", "index.json")))).toHaveLength(2);
  });
});

test("what a killed process left is removed by the next writer, once it is old", async () => {
  const blob = aBlob();
  await registry.repository("app").pushBlob(blob, bytesOf(blob.bytes));
  const [old, fresh, foreign] = [
    ".00000000-0000-4000-8000-000000000000.tmp",
    ".00000000-0000-4000-8000-000000000001.tmp",
    ".notes.tmp",
  ];
  const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1000);
  for (const name of [old, fresh, foreign]) writeFileSync(join(root, "app", name), "half");
  for (const name of [old, foreign]) utimesSync(join(root, "app", name), longAgo, longAgo);
  const next = (await LayoutRegistry.open(root)).repository("app");
  await next.statBlob(blob.digest);
  expect(existsSync(join(root, "app", old))).toBe(true);
  const other = aBlob({ seed: "other" });
  await next.pushBlob(other, bytesOf(other.bytes));
  const left = () => readdirSync(join(root, "app")).filter((name) => name.endsWith(".tmp"));
  expect(left()).toEqual([fresh, foreign].sort());
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 25 * 60 * 60 * 1000 });
  onTestFinished(() => void vi.useRealTimers());
  const last = aBlob({ seed: "a day later" });
  await next.pushBlob(last, bytesOf(last.bytes)); // by who runs since: what was young then goes now
  expect(left()).toEqual([foreign]);
});

test.skipIf(!hasSkopeo)(
  "what skopeo pushes to the server, skopeo reads from the directory, and the other way",
  async () => {
    const skopeo = async (...args: readonly string[]) => (await run("skopeo", ["--insecure-policy", ...args])).stdout;
    const source = await LayoutRegistry.open(join(folder, "source"), { create: true });
    await push(source.repository(""), anImage({ tag: "v1", files: { hello: "hello" } }));
    await using server = await startServer(registry);
    const place = `docker://${server.host}/a/b`;
    const { digest } = (await source.repository("").resolve("v1")) ?? expect.fail("it was pushed");
    await skopeo("copy", "--dest-tls-verify=false", "--preserve-digests", `oci:${source.path}:v1`, `${place}:v1`);
    expect((await (await reopened("a/b")).resolve("v1"))?.digest).toBe(digest);
    expect(JSON.parse(await skopeo("inspect", "--tls-verify=false", `${place}:v1`))).toMatchObject({ Digest: digest });
    const back = join(folder, "back");
    await skopeo("copy", "--preserve-digests", `oci:${root}/a/b:v1`, `oci:${back}:v1`);
    expect(parseIndexFile(readFileSync(join(back, "index.json"))).map((entry) => entry.digest)).toEqual([digest]);
    await skopeo("copy", "--preserve-digests", `oci:${back}:v1`, `oci:${root}/a/b:v2`);
    expect(JSON.parse(await skopeo("list-tags", "--tls-verify=false", place))).toMatchObject({ Tags: ["v1", "v2"] });
    await skopeo("delete", "--tls-verify=false", `${place}:v1`);
    expect(await registry.repository("a/b").resolve("v1")).toBeUndefined();
  },
);

describe("asking whether it can be written", () => {
  test("says yes for a repository that is not there yet, and makes nothing", async () => {
    await using _probe = await registry.repository("a/b").probeWrite();
    expect(readdirSync(root)).toEqual([]);
  });

  test("says no where a file is in the way, or when it was opened read-only", async () => {
    writeFileSync(join(root, "a"), "");
    await expect(registry.repository("a/b").probeWrite()).rejects.toMatchObject({ code: "FILE_FAILED" });
    const readOnly = await LayoutRegistry.open(root, { readOnly: true });
    await expect(readOnly.repository("c").probeWrite()).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  test("refuses what no file system has free, and never nothing", () => {
    registry.requireSpace(0);
    expect(() => registry.requireSpace(Number.MAX_SAFE_INTEGER)).toThrow(
      expect.objectContaining({
        code: "NO_SPACE",
        details: expect.objectContaining({ neededBytes: Number.MAX_SAFE_INTEGER, path: registry.path }),
      }),
    );
  });
});
