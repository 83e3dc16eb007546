import fs, {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { gnuTar } from "../../../../../../tests/support/gnu-tar.ts";
import { HandMadeTree } from "../../../../../../tests/support/hand-made-tree.ts";
import { tempFolder } from "../../../../../../tests/support/temp-folder.ts";
import { byteStringOf } from "../../../layer-archive/byte-string.ts";
import { LayerWorkers } from "../../layers/layer-workers.ts";
import type { Inode } from "../../tree/inode.ts";
import type { RootfsTree } from "../../tree/rootfs-tree.ts";
import { writeTar } from "./write-tar.ts";

const gib = 1024 ** 3;

async function tarOf(folder: string, tree: RootfsTree): Promise<string> {
  const workers = new LayerWorkers();
  onTestFinished(() => workers[Symbol.asyncDispose]());
  const path = join(folder, "out.tar");
  const { sizeBytes } = await writeTar(tree, path, { workers });
  expect(lstatSync(path).size).toBe(sizeBytes);
  expect(sizeBytes % 512).toBe(0);
  return path;
}

/** What GNU tar says of an archive: a line an entry, columns parted by one space, no character left out. */
function listing(path: string): readonly string[] {
  const lines = gnuTar("--full-time", "--numeric-owner", "--quoting-style=escape", "-tvf", path).toString().trimEnd();
  return lines.split("\n").map((line) => line.replaceAll(/ +/g, " "));
}

/** What a file has at these places, up to the next zero. */
function textAt(path: string, places: readonly number[]): readonly string[] {
  const descriptor = openSync(path, "r");
  const bytes = Buffer.alloc(16);
  try {
    return places.map((at) => {
      readSync(descriptor, bytes, 0, bytes.byteLength, at);
      return bytes.toString("latin1").replace(/\0.*/s, "");
    });
  } finally {
    closeSync(descriptor);
  }
}

test("GNU tar lists what the tree has, names bytewise and a directory before what is in it", async () => {
  const folder = tempFolder();
  const make = new HandMadeTree();
  const shared = make.file("shared", { mode: 0o4755, uid: 4_000_000_000, gid: 5 });
  const old = make.symlink("a".repeat(150), { mtime: { seconds: -3, nanoseconds: 0 } });
  const root = make.directory(
    {
      "b.d": make.file("bytes\n", { mtime: { seconds: 1_700_000_000, nanoseconds: 123_456_789 } }),
      b: make.directory({ z: shared, "\xff\xfe": make.fifo() }, { mode: 0o1777 }),
      a: shared,
      old,
      null: make.device("character", 1, 3, { mode: 0o666 }),
      disk: make.device("block", 259, 1_000_000, { uid: 1, gid: 6 }),
      [byteStringOf("ключ")]: make.file(""),
    },
    { mode: 0o711, uid: 7, gid: 8 },
  );
  const path = await tarOf(folder, make.finish(folder, root));
  const long = "a".repeat(150);
  expect(listing(path)).toEqual([
    "drwx--x--x 7/8 0 2020-09-13 12:26:40 ./",
    "-rwsr-xr-x 4000000000/5 6 2020-09-13 12:26:40 a",
    "drwxrwxrwt 0/0 0 2020-09-13 12:26:40 b/",
    "hrwsr-xr-x 4000000000/5 0 2020-09-13 12:26:40 b/z link to a",
    "prw-r--r-- 0/0 0 2020-09-13 12:26:40 b/\\377\\376",
    "-rw-r--r-- 0/0 6 2023-11-14 22:13:20.123456789 b.d",
    "brw------- 1/6 259,1000000 2020-09-13 12:26:40 disk",
    "crw-rw-rw- 0/0 1,3 2020-09-13 12:26:40 null",
    `lrwxrwxrwx 0/0 0 1969-12-31 23:59:57 old -> ${long}`,
    "-rw-r--r-- 0/0 0 2020-09-13 12:26:40 \\320\\272\\320\\273\\321\\216\\321\\207",
  ]);
});

test("GNU tar unpacks it to the same: contents, holes, long and odd names, exact times, extended attributes", async () => {
  const folder = tempFolder();
  const make = new HandMadeTree();
  const mtime = { seconds: 1_700_000_000, nanoseconds: 987_654_321 };
  const segment = "s".repeat(200);
  const splits = `${"p".repeat(120)}/${"q".repeat(90)}`;
  const xattrs = new Map([
    ["user.plain", Buffer.from("value")],
    ["user.a=b%", Buffer.from([0, 10, 255])],
  ]);
  const holes = make.sparse(3 * gib, { 5: "a", 4096: "early", [gib - 2]: "split", [2 * gib]: "late" }, { mtime });
  make.nextLayer();
  const big = Buffer.alloc(1_500_000, "0123456789");
  const root = make.directory({
    [segment]: make.directory({ [segment]: make.directory({ [segment]: make.file("deep", { mtime }) }, { mtime }) }),
    ["p".repeat(120)]: make.directory({ ["q".repeat(90)]: make.file("two fields") }),
    [`new\nline ${"\xe9".repeat(120)}`]: make.file("not utf-8"),
    holes,
    hole: make.sparse(100_000, {}),
    big: make.file(big, { xattrs, mtime }),
    before: make.file("before 1970", { mtime: { seconds: -3, nanoseconds: 250_000_000 } }),
  });
  const path = await tarOf(folder, make.finish(folder, root));
  const out = join(folder, "out");
  mkdirSync(out);
  gnuTar("--xattrs", "--xattrs-include=*", "--delay-directory-restore", "-xpf", path, "-C", out);

  expect(readFileSync(join(out, "big")).equals(big)).toBe(true);
  expect(readFileSync(join(out, splits), "utf8")).toBe("two fields");
  expect(readFileSync(join(out, segment, segment, segment), "utf8")).toBe("deep");
  expect(lstatSync(join(out, "big"), { bigint: true }).mtimeNs).toBe(1_700_000_000_987_654_321n);
  expect(lstatSync(join(out, segment, segment), { bigint: true }).mtimeNs).toBe(1_700_000_000_987_654_321n);
  expect(lstatSync(join(out, "before"), { bigint: true }).mtimeNs).toBe(-2_750_000_000n);
  const odd = readdirSync(out, { encoding: "buffer" }).find((name) => name.includes("\n"));
  expect(odd?.toString("latin1")).toBe(`new\nline ${"\xe9".repeat(120)}`);
  expect(lstatSync(join(out, "holes")).size).toBe(3 * gib);
  expect(textAt(join(out, "holes"), [5, 4096, gib - 2, 2 * gib])).toEqual(["a", "early", "split", "late"]);
  expect(lstatSync(join(out, "holes")).blocks * 512).toBeLessThan(100_000);
  expect(lstatSync(join(out, "hole")).size).toBe(100_000);
  expect(lstatSync(path).size).toBeLessThan(2_000_000);
  expect(gnuTar("--xattrs", "--xattrs-include=*", "-tvvf", path).toString()).toContain("x: 3 user.a=b%");
  expect(gnuTar("-xOf", path, "hole").every((byte) => byte === 0)).toBe(true);
});

test("the bytes depend on the tree alone, not on the order of its names", async () => {
  const names = ["b", "a", "c.d", "c"];
  const archive = async (order: readonly string[]) => {
    const folder = tempFolder();
    const make = new HandMadeTree();
    const files = new Map<string, Inode>(names.map((name) => [name, make.file(`of ${name}`)]));
    const entries = Object.fromEntries(order.map((name) => [name, files.get(name) ?? make.fifo()]));
    return readFileSync(await tarOf(folder, make.finish(folder, make.directory(entries))));
  };
  expect((await archive(names)).equals(await archive(names.toReversed()))).toBe(true);
});

test("an archive that is there is replaced on request alone, and what fails leaves nothing", async () => {
  const folder = tempFolder();
  await using workers = new LayerWorkers();
  const make = new HandMadeTree();
  const tree = make.finish(folder, make.directory({ a: make.file("a") }));
  const path = join(folder, "out.tar");
  writeFileSync(path, "mine");
  await expect(writeTar(tree, path, { workers })).rejects.toMatchObject({ code: "OUTPUT_EXISTS", details: { path } });
  expect(readFileSync(path, "utf8")).toBe("mine");
  await writeTar(tree, path, { workers, replace: true });
  expect(listing(path)).toHaveLength(2);
  writeFileSync(join(folder, "layer-0"), "damaged");
  await expect(writeTar(tree, join(folder, "other.tar"), { workers })).rejects.toMatchObject({ name: "RootfsError" });
  expect(readdirSync(folder).sort()).toEqual(["layer-0", "out.tar"]);
});

test("where no links can be made it is put in place all the same, and never over what is there", async () => {
  const folder = tempFolder();
  await using workers = new LayerWorkers();
  const make = new HandMadeTree();
  const tree = make.finish(folder, make.directory({ a: make.file("a") }));
  const path = join(folder, "out.tar");
  const { linkSync } = fs;
  onTestFinished(() => {
    Object.assign(fs, { linkSync });
    syncBuiltinESMExports();
  });
  const refuse = () => {
    throw Object.assign(new Error("link"), { code: "EPERM" });
  };
  Object.assign(fs, { linkSync: refuse });
  syncBuiltinESMExports();
  await writeTar(tree, path, { workers });
  await expect(writeTar(tree, path, { workers })).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
  expect(readdirSync(folder).sort()).toEqual(["layer-0", "out.tar"]);
});
