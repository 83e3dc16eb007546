import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { digestOf } from "@tranship/registry";
import { aLayer, anImage, anIndex } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { arm, fileItem, filesIn, imageItem, push, write } from "../../../../../tests/support/cache-items.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { lacking } from "../../../../../tests/support/tools.ts";
import { encodeTarHeader, tarPadding } from "../../bundle/tar/tar-header.ts";
import { LayoutRegistry } from "../../layout/layout-registry.ts";
import { DepsCache } from "../cache/deps-cache.ts";
import type { DepsEvent } from "../events.ts";
import { gitJob } from "../git/git-job.ts";
import type { DepsItem } from "../manifest.ts";
import { exportCache } from "./export-cache.ts";
import { importCache } from "./import-cache.ts";

const hasGit = lacking("git").length === 0;

function git(folder: string, ...args: readonly string[]): string {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main"];
  return execFileSync("git", [...identity, ...args], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** A cache `deps` with an image store beside it, and what is in them. */
async function aCache(folder: string, withGit = false) {
  const root = join(folder, "deps");
  const store = join(folder, "registry");
  mkdirSync(root, { recursive: true });
  const layouts = await LayoutRegistry.open(store, { create: true });
  const shared = aLayer({ size: 5000, seed: "shared" });
  const [one, two] = [anImage({ layers: [shared], seed: "one" }), anImage({ layers: [shared], seed: "two" })];
  await push(layouts.repository("mirror/q.io/one"), anIndex({ images: [one], tag: "v1" }));
  await push(layouts.repository("mirror/q.io/two"), two);
  await push(layouts.repository("mirror/q.io/two"), anImage({ tag: "not-mine" }));
  const components = '{"cached": true}\n';
  write(join(root, "components", "manifests", "components.json"), components);
  write(join(root, "components", "manifests", "components-20260101T000000Z-0123456789ab.json"), components);
  const upstream = digestOf(Buffer.from("{}"));
  write(join(root, ".tranship", "manifests", "sha256", `${upstream.slice(7)}.json`), "{}");
  const items: DepsItem[] = [
    fileItem(root, "tool", "the tool"),
    imageItem(store, "mirror/q.io/one", one.manifest.descriptor.digest, { tags: ["v1"] }),
    imageItem(store, "mirror/q.io/two", two.manifest.descriptor.digest),
  ];
  if (withGit) {
    const work = join(folder, "work");
    write(join(work, "file"), "content");
    git(folder, "init", "-q", work);
    git(work, "add", "file");
    git(work, "commit", "-qm", "first");
    const path = join(root, "git", "git.example", "repo");
    git(folder, "clone", "-q", "--mirror", work, path);
    write(join(path, "hooks", "post-update"), "#!/bin/sh\necho run");
    const source = {
      type: "git",
      url: "https://ann:pw@git.example/repo",
      ref: { type: "branch", name: "main" },
    } as const;
    items.push({
      ...(items[0] as DepsItem),
      id: "repo",
      digest: undefined,
      source,
      sink: { type: "file", path, links: [] },
    });
  }
  return { root, store, items, one, two, shared, upstream };
}

async function openCache(folder: string): Promise<DepsCache> {
  return await DepsCache.open(join(folder, "deps"), { also: [join(folder, "registry")] });
}

test("what is exported is there after an import: files, links, images, mirrors and manifests, and nothing else", async () => {
  const [here, there] = [tempFolder(), tempFolder()];
  const { items, one, two, shared, upstream } = await aCache(here, hasGit);
  await using cache = await openCache(here);
  cache.state.set("manifest/components", { digest: upstream });
  cache.state.set("item/tool", { secret: true });
  const archive = join(here, "export.tar");
  const events: DepsEvent[] = [];
  const exported = await exportCache(cache, items, archive, { onEvent: (event) => events.push(event) });
  expect(exported.bytes).toBe(statSync(archive).size);
  expect(events.map(({ type }) => type)).toEqual(["started", "done"]);
  const again = await exportCache(cache, items.toReversed(), join(here, "again.tar"));
  expect(again.pin).toBe(exported.pin);
  expect(readFileSync(join(here, "again.tar")).equals(readFileSync(archive))).toBe(true);
  const names = execFileSync("tar", ["-tf", archive], { encoding: "utf8" }).trim().split("\n");
  expect(names[0]).toBe("export.json");
  expect(names).toHaveLength(exported.files + 1);
  expect(names.filter((name) => name.endsWith(shared.digest.slice(7)))).toHaveLength(1);
  expect(names.filter((name) => /hooks|2026|not-mine/.test(name))).toEqual([]);

  await using target = await openCache(there);
  const report = await importCache(archive, target, { pin: exported.pin, isDeep: true });
  expect(report).toMatchObject({
    present: 0,
    pin: exported.pin,
    items: expect.arrayContaining([{ id: "tool", version: "1.0", digest: items[0]?.digest }]),
  });
  const link = join(there, "deps", "vmconfig", "artifacts", "tool", "1.0", "tool");
  expect([readFileSync(link, "utf8"), readlinkSync(link).startsWith("..")]).toEqual(["the tool", true]);
  const layouts = await LayoutRegistry.open(join(there, "registry"));
  const [first, second] = ["one", "two"].map((name) => layouts.repository(`mirror/q.io/${name}`));
  expect(await first?.resolve("v1")).toBeDefined();
  for (const blob of one.blobs) expect(await first?.statBlob(blob.digest)).toEqual({ size: blob.size });
  for (const blob of two.blobs) expect(await second?.statBlob(blob.digest)).toEqual({ size: blob.size });
  expect(await second?.resolve(two.manifest.descriptor.digest)).toBeDefined();
  expect(await second?.resolve("not-mine")).toBeUndefined();
  const blobIn = (name: string) =>
    statSync(join(there, "registry", "mirror", "q.io", name, "blobs", "sha256", shared.digest.slice(7))).ino;
  expect(blobIn("one")).toBe(blobIn("two"));
  expect(readFileSync(join(there, "deps", "components", "manifests", "components.json"), "utf8")).toBe(
    '{"cached": true}\n',
  );
  expect(existsSync(join(there, "deps", ".tranship", "manifests", "sha256", `${upstream.slice(7)}.json`))).toBe(true);
  expect([...target.state.entries("")]).toEqual([["manifest/components", { digest: upstream }]]);
  if (hasGit) {
    const mirror = join(there, "deps", "git", "git.example", "repo");
    expect(git(mirror, "config", "remote.origin.url")).toBe("https://git.example/repo\n");
    expect(existsSync(join(mirror, "hooks"))).toBe(false);
    const repo = {
      ...items.find(({ id }) => id === "repo"),
      sink: { type: "file", path: mirror, links: [] },
    } as DepsItem;
    const looking = { contents: target.contents, isDeep: false, signal: new AbortController().signal };
    expect(await gitJob.probe(repo, looking)).toBe("unpinned");
    git(there, "clone", "-q", mirror, join(there, "clone"));
    expect(readFileSync(join(there, "clone", "file"), "utf8")).toBe("content");
  }
  const before = filesIn(there);
  const second_ = await importCache(archive, target);
  expect(second_.written).toBe(0);
  expect(filesIn(there)).toEqual(before);
  const wrong = importCache(archive, target, { pin: digestOf(Buffer.from("another")) });
  await expect(wrong).rejects.toMatchObject({ code: "PIN_MISMATCH" });
});

test("an import that was ended goes on, adds to image layouts that are there, and mends what is harmed", async () => {
  const [here, there] = [tempFolder(), tempFolder()];
  const { items, one } = await aCache(here);
  await using cache = await openCache(here);
  const archive = join(here, "export.tar");
  await exportCache(cache, items, archive);
  const own = anImage({ tag: "mine" });
  const layouts = await LayoutRegistry.open(join(there, "registry"), { create: true });
  await push(layouts.repository("mirror/q.io/one"), own);
  await using target = await openCache(there);
  const ended = new AbortController();
  const check = target.contents.note.bind(target.contents);
  let notes = 0;
  target.contents.note = async (...args) => {
    notes += 1;
    if (notes === 3) ended.abort(new Error("enough"));
    await check(...args);
  };
  const told: DepsEvent[] = [];
  const onEvent = (event: DepsEvent) => told.push(event);
  await expect(importCache(archive, target, { signal: ended.signal, onEvent })).rejects.toThrow("enough");
  expect(told.at(-1)).toMatchObject({ type: "failed", error: { code: "ABORTED" } });
  expect(existsSync(join(there, "deps", "components", "manifests"))).toBe(false);
  const report = await importCache(archive, target, { isDeep: true });
  expect(report.present).toBeGreaterThanOrEqual(3);
  const repository = (await LayoutRegistry.open(join(there, "registry"))).repository("mirror/q.io/one");
  expect(await Promise.all(["v1", "mine"].map(async (tag) => (await repository.resolve(tag)) !== undefined))).toEqual([
    true,
    true,
  ]);
  const layer = join(repository.path, "blobs", "sha256", one.layers[0]?.digest.slice(7) ?? "");
  writeFileSync(layer, Buffer.alloc(statSync(layer).size));
  expect((await importCache(archive, target)).written).toBeGreaterThanOrEqual(1);
  expect(createHash("sha256").update(readFileSync(layer)).digest("hex")).toBe(one.layers[0]?.digest.slice(7));
});

test("an archive replaces a file, also where a link leads to it, and never a device or a folder", async () => {
  const folder = tempFolder();
  const { items, root, store } = await aCache(folder);
  await using cache = await DepsCache.open(root, { readOnly: true });
  const at = (name: string) => join(folder, name);
  const [file, link, device] = [at("old.tar"), at("link.tar"), at("device.tar")];
  write(file, "old");
  symlinkSync(file, link);
  symlinkSync("/dev/null", device);
  await exportCache(cache, items, link, { store });
  expect(readFileSync(file).subarray(0, 11).toString()).toBe("export.json");
  expect(readlinkSync(link)).toBe(file);
  for (const path of [device, root])
    await expect(exportCache(cache, items, path, { store })).rejects.toMatchObject({ code: "FILE_FAILED" });
  expect(readlinkSync(device)).toBe("/dev/null");
});

test("what is missing or harmed is not exported, and no archive is left", async () => {
  const here = tempFolder();
  const { items, root, store, one } = await aCache(here);
  await using cache = await openCache(here);
  const archive = join(here, "export.tar");
  const [tool, image] = items;
  if (tool?.sink.type !== "file" || !image) throw new Error("it is a file");
  writeFileSync(tool.sink.path, "THE TOOL");
  await expect(exportCache(cache, items, archive)).rejects.toMatchObject({ code: "INCOMPLETE" });
  const gone = { ...tool, sink: { ...tool.sink, path: join(root, "vmconfig", "blobs", "sha256", "0".repeat(64)) } };
  const untagged = {
    ...image,
    sink: { type: "repository-layout", root: store, repository: "mirror/q.io/one", tags: ["v2"] },
  } as const;
  const outside = { ...tool, sink: { ...tool.sink, path: write(join(here, "outside"), "x"), links: [] } };
  await expect(exportCache(cache, [gone], archive)).rejects.toMatchObject({ code: "INCOMPLETE" });
  await expect(exportCache(cache, [untagged], archive)).rejects.toMatchObject({ code: "INCOMPLETE" });
  const other = anImage({ seed: "other", platform: arm });
  const layouts = await LayoutRegistry.open(store);
  const both = anIndex({ images: [one, other], tag: "v1" });
  await push(layouts.repository("mirror/q.io/one"), both);
  await exportCache(cache, [image], archive);
  rmSync(archive);
  for (const { digest } of [other.layers[0] ?? other.config, other.manifest.descriptor]) {
    const path = join(store, "mirror/q.io/one", "blobs", "sha256", digest.slice(7));
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(1));
    expect((await exportCache(cache, [image], archive)).files).toBeGreaterThan(4); // nobody asked for that one
    writeFileSync(path, bytes);
    rmSync(archive);
  }
  const folder = join(store, "mirror/q.io/one");
  const manifest = join(folder, "blobs", "sha256", image.digest?.slice(7) ?? "");
  const whole = { ...image, digest: both.manifest.descriptor.digest };
  await exportCache(cache, [whole], archive);
  rmSync(archive);
  for (const path of [manifest, join(folder, "index.json")]) {
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.slice(1));
    await expect(exportCache(cache, [whole], archive)).rejects.toMatchObject({ name: "DepsError", code: "INCOMPLETE" });
    writeFileSync(path, text);
  }
  rmSync(manifest);
  await expect(exportCache(cache, [whole], archive)).rejects.toMatchObject({ code: "INCOMPLETE" });
  await expect(exportCache(cache, [outside], archive)).rejects.toMatchObject({ code: "SINK_UNSUITABLE" });
  expect(filesIn(here).filter((path) => /tar$|tmp$/.test(path))).toEqual([]);
});

interface HandMade {
  readonly files?: Readonly<Record<string, string>>;
  /** Entries that are in the archive, where other than listed. */
  readonly entries?: readonly Uint8Array[];
  readonly list?: object;
  readonly head?: string;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function entry(name: string, text: string, type = "0"): Uint8Array {
  const header = Buffer.from(encodeTarHeader(name, text.length));
  if (type !== "0") {
    header.write(type, 156, "latin1");
    header.write("        ", 148, "latin1");
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  }
  return Buffer.concat([header, Buffer.from(text), new Uint8Array(tarPadding(text.length))]);
}

function handMade({ files = {}, entries, list = {}, head }: HandMade): Uint8Array {
  const listed = Object.entries(files).map(([path, text]) => ({ path, size: text.length, sha256: sha256(text) }));
  const content = {
    format: "tranship.deps-export/v1",
    items: [],
    files: listed,
    copies: [],
    links: [],
    mirrors: [],
    state: [],
    ...list,
  };
  const first = entry("export.json", head ?? JSON.stringify(content));
  const others = entries ?? Object.entries(files).map(([path, text]) => entry(path, text));
  return Buffer.concat([first, ...others, new Uint8Array(1024)]);
}

const blob = `cache/vmconfig/blobs/sha256/${sha256("x")}`;
const layout = "cache/registry/app";
const hostile: readonly ({
  readonly name: string;
  readonly bytes?: Uint8Array;
  readonly sparseBytes?: number;
} & HandMade)[] = [
  { name: "a name that leads out", files: { "cache/files/../../../x": "x" } },
  { name: "an absolute name", files: { "/tmp/x": "x" } },
  { name: "a name outside of the folders", files: { "cache/other": "x" } },
  { name: "the lock of the cache", files: { "cache/.tranship/lock": "x" } },
  { name: "the state of the cache", files: { "cache/.tranship/state.json": "{}" } },
  {
    name: "a name with a zero byte",
    list: { files: [{ path: "cache/files/a\0b", size: 1, sha256: sha256("x") }] },
    entries: [entry("cache/files/a", "x")],
  },
  { name: "a name with a backslash", files: { "cache/files/a\\b": "x" } },
  { name: "the name of a device", files: { "cache/files/con.txt": "x" } },
  { name: "a symbolic link", files: { [blob]: "x" }, entries: [entry(blob, "", "2")] },
  { name: "a hard link", files: { [blob]: "x" }, entries: [entry(blob, "", "1")] },
  { name: "a device", files: { [blob]: "x" }, entries: [entry(blob, "", "3")] },
  {
    name: "a file twice",
    files: { "cache/files/a": "x" },
    entries: [entry("cache/files/a", "x"), entry("cache/files/a", "x")],
  },
  {
    name: "a file listed twice",
    list: { files: [1, 2].map(() => ({ path: blob, size: 1, sha256: sha256("x") })) },
    entries: [entry(blob, "x"), entry(blob, "x")],
  },
  { name: "a file that is a folder too", files: { "cache/files/a": "x", "cache/files/a/b": "x" } },
  { name: "a file that is not listed", entries: [entry("cache/files/a", "x")] },
  { name: "a file that is not there", files: { "cache/files/a": "x" }, entries: [] },
  { name: "a file of another size", files: { "cache/files/a": "x" }, entries: [entry("cache/files/a", "xx")] },
  { name: "wrong bytes", files: { "cache/files/a": "x" }, entries: [entry("cache/files/a", "y")] },
  { name: "a blob of another name", files: { [`cache/vmconfig/blobs/sha256/${sha256("y")}`]: "x" } },
  { name: "a blob of another long name", files: { [`cache/blobs/sha512/${sha256("y").repeat(2)}`]: "x" } },
  { name: "a blob without a digest for a name", files: { "cache/vmconfig/blobs/sha256/tool": "x" } },
  {
    name: "a copy of another name",
    files: { [blob]: "x" },
    list: { copies: [{ path: `cache/blobs/sha256/${sha256("y")}`, of: blob }] },
  },
  { name: "a copy of nothing", list: { copies: [{ path: blob, of: "cache/files/a" }] } },
  {
    name: "a link that leads out",
    files: { "cache/files/a": "x" },
    list: { links: [{ path: "cache/files/../b", target: "cache/files/a" }] },
  },
  {
    name: "a link to nothing",
    list: { links: [{ path: "cache/files/b", target: "cache/files/../../../etc/passwd" }] },
  },
  {
    name: "a link among blobs of an image",
    files: { "cache/files/a": "x" },
    list: { links: [{ path: `${layout}/oci-layout`, target: "cache/files/a" }] },
  },
  { name: "a hook of git", files: { "cache/git/h/r/hooks/post-update": "x" }, list: { mirrors: ["cache/git/h/r"] } },
  {
    name: "alternates of git",
    files: { "cache/git/h/r/objects/info/alternates": "/" },
    list: { mirrors: ["cache/git/h/r"] },
  },
  {
    name: "settings of git that run things",
    files: { "cache/git/h/r/config": "[core]\n\tfsmonitor = run\n" },
    list: { mirrors: ["cache/git/h/r"] },
  },
  {
    name: "an address of git that runs things",
    files: {
      "cache/git/h/r/config":
        '[core]\n\trepositoryformatversion = 0\n\tbare = true\n[remote "origin"]\n\turl = ext::sh\n\tfetch = +refs/*:refs/*\n\tmirror = true\n',
    },
    list: { mirrors: ["cache/git/h/r"] },
  },
  { name: "a mirror in a mirror", list: { mirrors: ["cache/git/h/r", "cache/git/h/r/objects"] } },
  { name: "all mirrors as one", list: { mirrors: ["cache/git"] } },
  { name: "a file of git outside of mirrors", files: { "cache/git/h/HEAD": "ref: refs/heads/main\n" } },
  { name: "another file in a layout", files: { [`${layout}/other`]: "x" } },
  {
    name: "an index that lists what is not there",
    files: {
      [`${layout}/index.json`]: JSON.stringify({
        schemaVersion: 2,
        manifests: [
          { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: `sha256:${sha256("x")}`, size: 1 },
        ],
      }),
    },
  },
  { name: "an index that is none", files: { [`${layout}/index.json`]: "[]" } },
  { name: "a manifest that is no JSON", files: { "cache/components/manifests/components.json": "{" } },
  { name: "no list", bytes: Buffer.concat([entry("cache/files/a", "x"), new Uint8Array(1024)]) },
  { name: "a list that is no JSON", head: "{" },
  { name: "a list of another version", head: JSON.stringify({ format: "tranship.deps-export/v9" }) },
  { name: "a list that says more", list: { more: 1 } },
  { name: "state that is not of manifests", list: { state: [{ key: "item/a", value: 1 }] } },
  { name: "a deep list", head: `{"items":${"[".repeat(10_000)}${"]".repeat(10_000)}}` },
  {
    name: "a huge list",
    bytes: encodeTarHeader("export.json", 100 * 1024 ** 2),
    sparseBytes: 100 * 1024 ** 2 + 2048,
  },
  { name: "an archive that is cut short", bytes: handMade({ files: { "cache/files/a": "x" } }).subarray(0, 1200) },
  { name: "no archive", bytes: Buffer.from("hello") },
];

describe("an archive that is not taken over, with nothing written outside of the work folder", () => {
  test.for(hostile)("$name", async ({ bytes, sparseBytes, ...made }) => {
    const folder = tempFolder();
    const path = join(folder, "hostile.tar");
    writeFileSync(path, bytes ?? handMade(made));
    if (sparseBytes !== undefined) truncateSync(path, sparseBytes);
    await using cache = await DepsCache.open(join(folder, "cache"));
    await expect(importCache(path, cache)).rejects.toMatchObject({ code: "ARCHIVE_INVALID", details: { path } });
    const left = filesIn(folder).filter(
      (name) => name !== "hostile.tar" && name !== "cache/files/a" && !name.startsWith("cache/vmconfig/blobs"),
    );
    expect(left).toEqual([]);
  });
});

test("an import writes through no link of the cache that leads out of it", async () => {
  const folder = tempFolder();
  const path = join(folder, "a.tar");
  writeFileSync(path, handMade({ files: { "cache/files/a": "x" } }));
  await using cache = await DepsCache.open(join(folder, "cache"));
  mkdirSync(join(folder, "outside"));
  symlinkSync(join(folder, "outside"), join(folder, "cache", "files"));
  await expect(importCache(path, cache)).rejects.toMatchObject({ code: "NAME_UNSAFE" });
  expect(filesIn(join(folder, "outside"))).toEqual([]);
});
