import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { HandMadeTree } from "../../../../../tests/support/hand-made-tree.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { byteStringOf } from "../../layer-archive/byte-string.ts";
import { LayerWorkers } from "../layers/layer-workers.ts";
import { writeContents } from "./write-contents.ts";

function startWorkers(): LayerWorkers {
  const workers = new LayerWorkers();
  onTestFinished(() => workers[Symbol.asyncDispose]());
  return workers;
}

test("files of several layers are written whole, in any order of the targets, into new files and into the middle of one", async () => {
  const folder = tempFolder();
  const workers = startWorkers();
  const make = new HandMadeTree();
  const long = Buffer.alloc(3_000_000, "long ");
  const base = [make.file("first"), make.file(long), make.file("not wanted"), make.file("")];
  make.nextLayer();
  const top = [make.file("second"), make.sparse(100_000, { 5: "five", 70000: "seventy" }), make.file("third")];
  const tree = make.finish(folder, make.directory());
  writeFileSync(join(folder, "whole"), Buffer.alloc(40, "."));
  const at = (name: string) => byteStringOf(join(folder, name));
  const edited = { size: 6, content: { bytes: Buffer.from("edited") } };
  let told = 0;
  const targets = [
    { inode: top[2], path: at("whole"), position: 20 },
    { inode: base[1], path: at("long") },
    { inode: top[0], path: at("ünïcode") },
    { inode: base[0], path: at("whole"), position: 3 },
    { inode: top[1], path: at("sparse") },
    { inode: base[3], path: at("empty") },
    { inode: edited, path: at("edited") },
    { inode: edited, path: at("whole"), position: 30 },
  ].map(({ inode, ...rest }) => ({ inode: inode ?? make.file(""), ...rest }));

  const refused = await writeContents(tree, targets, { workers, onBytes: (bytes) => (told += bytes) });

  expect(refused).toEqual([]);
  expect(readFileSync(join(folder, "long")).equals(long)).toBe(true);
  expect(readFileSync(join(folder, "ünïcode"), "utf8")).toBe("second");
  expect(readFileSync(join(folder, "edited"), "utf8")).toBe("edited");
  expect(readFileSync(join(folder, "empty"), "utf8")).toBe("");
  expect(readFileSync(join(folder, "whole"), "utf8")).toBe("...first............third.....edited....");
  const sparse = readFileSync(join(folder, "sparse"));
  expect(sparse.byteLength).toBe(100_000);
  expect(sparse.toString("utf8").replaceAll("\0", "")).toBe("fiveseventy");
  expect([sparse.indexOf("five"), sparse.indexOf("seventy")]).toEqual([5, 70_000]);
  expect(statSync(join(folder, "sparse")).blocks * 512).toBeLessThan(20_000);
  expect(statSync(join(folder, "long")).mode & 0o777).toBe(0o600);
  expect(told).toBe(5 + long.byteLength + 6 + 11 + 5 + 6 + 6);
});

test("a file that is written twice is read twice, because its bytes pass once", async () => {
  const folder = tempFolder();
  const make = new HandMadeTree();
  const bytes = Buffer.alloc(3_000_000, "once "); // more than is unpacked at a time
  const inode = make.file(bytes);
  const tree = make.finish(folder, make.directory());
  const targets = ["a", "b"].map((name) => ({ inode, path: byteStringOf(join(folder, name)) }));
  await writeContents(tree, targets, { workers: startWorkers() });
  expect(["a", "b"].map((name) => readFileSync(join(folder, name)).equals(bytes))).toEqual([true, true]);
});

test("what is there already is neither replaced nor written through", async () => {
  const folder = tempFolder();
  const workers = startWorkers();
  const make = new HandMadeTree();
  const inode = make.file("bytes");
  const tree = make.finish(folder, make.directory());
  writeFileSync(join(folder, "file"), "mine");
  symlinkSync("elsewhere", join(folder, "link"));
  for (const name of ["file", "link"]) {
    const failing = writeContents(tree, [{ inode, path: byteStringOf(join(folder, name)) }], { workers });
    await expect(failing).rejects.toMatchObject({ name: "RootfsError", code: "FILE_FAILED" });
  }
  const through = writeContents(tree, [{ inode, path: byteStringOf(join(folder, "link")), position: 0 }], { workers });
  await expect(through).rejects.toMatchObject({ code: "FILE_FAILED", details: { reason: "ELOOP" } });
  expect(readFileSync(join(folder, "file"), "utf8")).toBe("mine");
});

test.for([
  {
    name: "that has changed since",
    damage: (path: string) => writeFileSync(path, "X".repeat(19)),
    code: "LAYER_MISMATCH",
  },
  { name: "that is cut short", damage: (path: string) => truncateSync(path, 5), code: "LAYER_INVALID" },
])("a layer $name is refused, even where no file has its bytes", async ({ damage, code }) => {
  const folder = tempFolder();
  const make = new HandMadeTree();
  make.nextLayer();
  const inode = make.file("bytes");
  const tree = make.finish(folder, make.directory());
  damage(join(folder, "layer-1"));
  mkdirSync(join(folder, "out"));
  const failing = writeContents(tree, [{ inode, path: byteStringOf(join(folder, "out/file")) }], {
    workers: startWorkers(),
    reference: "example.com/app:1",
  });
  await expect(failing).rejects.toMatchObject({ name: "RootfsError", code });
});

test("an aborted call rejects with the signal's reason", async () => {
  const folder = tempFolder();
  const make = new HandMadeTree();
  const inode = make.file(Buffer.alloc(10_000_000));
  const tree = make.finish(folder, make.directory());
  const stop = new AbortController();
  const running = writeContents(tree, [{ inode, path: byteStringOf(join(folder, "file")) }], {
    workers: startWorkers(),
    signal: stop.signal,
    onBytes: () => stop.abort(new Error("enough")),
  });
  await expect(running).rejects.toThrow("enough");
});
