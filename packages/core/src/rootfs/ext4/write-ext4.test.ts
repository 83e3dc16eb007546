import { execFile, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { ext4Sample } from "../../../../../tests/support/ext4-sample.ts";
import { HandMadeTree } from "../../../../../tests/support/hand-made-tree.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../../../../../tests/support/tmpfs.ts";
import { lacking } from "../../../../../tests/support/tools.ts";
import { byteStringOf } from "../../layer-archive/byte-string.ts";
import type { RootfsEvent } from "../events.ts";
import { LayerWorkers } from "../layers/layer-workers.ts";
import type { DirectoryInode } from "../tree/inode.ts";
import type { RootfsTree } from "../tree/rootfs-tree.ts";
import { checkImage, indexDirectories } from "./check-image.ts";
import { ext4Needs, inodeCount } from "./ext4-needs.ts";
import { withLostAndFound } from "./planned-directories.ts";
import { probeExt4Tools } from "./probe-ext4-tools.ts";
import { readSuperblock } from "./superblock.ts";
import { type WriteExt4Options, writeExt4 } from "./write-ext4.ts";

const run = promisify(execFile);
const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
const sampleProgram = fileURLToPath(new URL("../../../../../tests/support/ext4-sample.ts", import.meta.url));
const canRead = ["-e", "for (const path of process.argv.slice(1)) fs.accessSync(path)", sampleProgram];
const isNodeOld = Number.parseInt(process.versions.node, 10) < 24; // it cannot run the program as it is
const noOtherUser =
  !isNodeOld && spawnSync("setpriv", [...nobody, process.execPath, ...canRead]).status === 0
    ? undefined
    : " (needs root, setpriv, Node 24, and a checkout that others may read)";
const absent = lacking("mke2fs", "debugfs", "e2fsck");
const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");

describe.skipIf(absent.length > 0)(`an ext4 image (needs ${absent.join(", ") || "nothing that is missing"})`, () => {
  test("has everything a tree has, as another program reads it", async () => {
    const folder = tempFolder();
    const make = new HandMadeTree();
    const shared = make.file("shared", { mode: 0o6755, uid: 1000, gid: 100_000 });
    const binary = make.file("binary", {
      xattrs: new Map([
        ["security.capability", capability],
        ["user.large", Buffer.alloc(3000, "v")],
      ]),
      mtime: { seconds: -1, nanoseconds: 999_999_999 },
      atime: { seconds: 5_000_000_000, nanoseconds: 1 },
    });
    const edges = [
      [255, 255],
      [255, 256],
      [256, 0],
    ] as const;
    const devices = {
      disk: make.device("block", 259, 70_000),
      null: make.device("character", 1, 3),
      ...Object.fromEntries(edges.map(([major, minor]) => [`${major}-${minor}`, make.device("block", major, minor)])),
      pipe: make.fifo(),
    };
    const root = make.directory(
      {
        bin: make.directory({ binary, shared }, { mode: 0o1777 }),
        dev: make.directory(devices),
        links: make.directory({
          again: shared,
          long: make.symlink("l".repeat(100)),
          odd: make.symlink('a\n"b" '),
          oddAndLong: make.symlink(`${"l".repeat(80)}\n`),
          quotes: make.symlink('"'.repeat(4095)),
        }),
        sparse: make.sparse(5_000_000, { 5: "five", 2000000: "twenty" }),
        zeros: make.file(Buffer.alloc(20_000)),
      },
      { mode: 0o711, uid: 7, gid: 8, mtime: { seconds: 1_700_000_000, nanoseconds: 123 } },
    );
    const image = join(folder, "image");

    const { sizeBytes } = await writeExt4(make.finish(folder, root), image, startWorkers({}));

    expect(sizeBytes).toBe(2 * 1024 ** 2);
    const read = reader(image);
    expect(await read("stat /")).toMatch(/Mode:\s+0711 .*User: +7 +Group: +8 .*mtime: 0x6553f100:000001ec/s);
    expect(await read("stat /bin")).toMatch(/directory\s+Mode:\s+01777 .*Links: 2/s);
    expect(await read("stat /links/again")).toMatch(
      /regular\s+Mode:\s+06755 .*User: +1000 +Group: +100000 .*Links: 2/s,
    );
    expect(await read("cat /links/again")).toBe("shared");
    const times =
      /ctime: 0xffffffff:ee6b27fc .*atime: 0x2a05f200:00000005 .*\n mtime: 0xffffffff:ee6b27fc .*crtime: 0xff/s;
    expect(await read("stat /bin/binary")).toMatch(times);
    expect(await read("ea_get -x /bin/binary security.capability")).toContain(
      (capability.toString("hex").match(/../g) ?? []).join(" "),
    );
    expect(await read("ea_get /bin/binary user.large")).toContain(`"${"v".repeat(3000)}"`);
    expect(await read("stat /dev/disk")).toMatch(/block special .*major\/minor number: 259:70000/s);
    expect(await read("stat /dev/null")).toMatch(/character special\s+Mode:\s+0600 .*major\/minor number: 01:03/s);
    for (const [major, minor] of edges) {
      const [, readMajor, readMinor] = /number: (\d+):(\d+)/.exec(await read(`stat /dev/${major}-${minor}`)) ?? [];
      expect([Number(readMajor), Number(readMinor)]).toEqual([major, minor]);
    }
    expect(await read("stat /dev/pipe")).toMatch(/FIFO\s+Mode:\s+0644/);
    expect(await read("stat /links/odd")).toContain('Fast link dest: "a\n"b" "');
    expect(await read("cat /links/long")).toBe("l".repeat(100));
    expect(await read("cat /links/oddAndLong")).toBe(`${"l".repeat(80)}\n`);
    expect(await read("cat /links/quotes")).toBe('"'.repeat(4095));
    const sparse = await read("cat /sparse");
    expect([sparse.length, sparse.indexOf("five"), sparse.indexOf("twenty")]).toEqual([5_000_000, 5, 2_000_000]);
    expect(await read("stat /sparse")).toMatch(/Size: 5000000.*Blockcount: 16\n/s);
    expect(await read("stat /zeros")).toMatch(/Size: 20000.*Blockcount: 0\n/s);
  });

  test("has every name a file can have, and an index where there are many", async () => {
    const folder = tempFolder();
    const make = new HandMadeTree();
    const odd = [
      "-rf",
      "a b",
      '"',
      "\\n",
      "line\nfeed",
      "\r",
      "#",
      "<2>",
      "\xff\xfe",
      byteStringOf("ünï"),
      "x".repeat(255),
    ];
    const inOdd = Object.fromEntries(odd.map((name) => [name, make.directory({ f: make.file("") })]));
    const many = Object.fromEntries(Array.from({ length: 700 }, (_, index) => [`name-${index}`, make.file("")]));
    const kept = make.directory({ kept: make.file("kept") }, { mode: 0o750 });
    const root = make.directory({ odd: make.directory(inOdd), many: make.directory(many), "lost+found": kept });
    const image = join(folder, "image");

    await writeExt4(make.finish(folder, root), image, startWorkers({ label: "odd names" }));

    const read = reader(image);
    expect(namesIn(await read("ls -p /odd"))).toEqual([".", "..", ...odd].sort());
    expect(namesIn(await read("ls -p /many"))).toHaveLength(702);
    expect(await read("stat /many")).toMatch(/Flags: 0x81000/); // extents, and an index
    expect(await read("stat /odd")).toMatch(new RegExp(`Links: ${odd.length + 2} `));
    expect(await read("cat /lost+found/kept")).toBe("kept");
    expect(await read("stat /lost+found")).toMatch(/Mode:\s+0750 .*Links: 2/s);
  });

  test("is the same for everybody, anywhere, at any time", async () => {
    const folder = tempFolder();
    const { tree } = everyday(folder);
    const first = await writeExt4(tree, join(folder, "first"), startWorkers({}));
    const elsewhere = tempFolder(); // of another name
    mkdirSync(join(elsewhere, 'work "1" here'));
    const environment = {
      ...process.env,
      TZ: "Asia/Tokyo",
      LANG: "de_DE.UTF-8",
      MKE2FS_SYNC: "1",
      E2FSPROGS_FAKE_TIME: "99",
    };
    const workDirectory = join(elsewhere, 'work "1" here');
    const again = await writeExt4(tree, join(elsewhere, "a?b=c"), startWorkers({ environment, workDirectory }));
    expect(again).toEqual(first);
    const { stdout } = await run("sha256sum", [join(elsewhere, "a?b=c")]);
    expect(stdout.split(" ")[0]).toBe(first.sha256);
    const large = join(elsewhere, "large"); // of two groups, and so with a copy of its superblock
    await writeExt4(tree, large, startWorkers({ sizeBytes: 130 * 1024 ** 2 }));
    const { stdout: superblock } = await run("dumpe2fs", ["-h", large]);
    const { stdout: copy } = await run("dumpe2fs", ["-h", "-o", "superblock=32768", "-o", "blocksize=4096", large]);
    rmSync(large);
    for (const text of [superblock, copy]) {
      expect(text).toMatch(/^Free blocks: +\d+$/m);
      expect(text).not.toContain("Lifetime writes"); // more of them where a file system makes no range zero by itself
    }
    expect(readdirSync(workDirectory)).toEqual([]);
    expect(readdirSync(elsewhere).sort()).toEqual(["a?b=c", 'work "1" here']);
  });

  test.skipIf(noOtherUser !== undefined)(`is the same for another user${noOtherUser ?? ""}`, async () => {
    const folder = tempFolder();
    chmodSync(folder, 0o777);
    const own = await writeExt4(ext4Sample(), join(folder, "own"), startWorkers({}));
    const { stdout } = await run("setpriv", [...nobody, process.execPath, sampleProgram, join(folder, "theirs")]);
    expect(stdout.trim()).toBe(own.sha256);
    expect(statSync(join(folder, "theirs")).uid).toBe(65534);
  });

  test("takes the size it is told, with inodes for what is to come, a journal and an id", async () => {
    const folder = tempFolder();
    const { tree } = everyday(folder);
    const image = join(folder, "image");
    const uuid = "00000000-0000-4000-8000-00000000000a";
    const options = startWorkers({ sizeBytes: 40_000_001, hasJournal: true, uuid });
    expect((await writeExt4(tree, image, options)).sizeBytes).toBe(42 * 1024 ** 2 - 2 * 1024 ** 2);
    const made = await readSuperblock(image);
    expect(made.hasJournal).toBe(true);
    expect(Buffer.from(made.uuid).toString("hex")).toBe(uuid.replaceAll("-", ""));
    expect(made.freeInodes).toBeGreaterThan(500);
    const make = new HandMadeTree();
    const large = make.finish(tempFolder(), make.directory({ large: make.file(Buffer.alloc(3_000_000, "x")) }));
    await expect(writeExt4(large, image, startWorkers({ sizeBytes: 2_000_000 }))).rejects.toMatchObject({
      code: "SIZE_TOO_SMALL",
      details: { sizeBytes: 2_000_000, neededBytes: 4 * 1024 ** 2 },
    });
    expect(statSync(image).size).toBe(40 * 1024 ** 2); // what was there is there
    expect(readdirSync(folder).sort()).toEqual(["image", "layer-0"]);
  });

  test.for([
    { name: "a file that is called lost+found", entry: "lost+found", reason: /keeps a directory/ },
    { name: "more extended attributes than fit", entry: "xattrs", reason: /attributes do not fit/ },
    { name: "an access control list that is none", entry: "acl", reason: /no access control list/ },
    { name: "a device that is none", entry: "device", reason: /no device/ },
  ])("refuses $name before it writes anything", async ({ entry, reason }) => {
    const folder = tempFolder();
    const make = new HandMadeTree();
    const entries = {
      "lost+found": make.file("x"),
      xattrs: make.file("x", { xattrs: new Map([["user.x", Buffer.alloc(4090)]]) }),
      acl: make.file("x", { xattrs: new Map([["system.posix_acl_access", Buffer.from("bad")]]) }),
      device: make.device("block", 4096, 0),
    };
    const inode = entries[entry as keyof typeof entries];
    const tree = make.finish(folder, make.directory({ [entry]: inode }));
    await expect(writeExt4(tree, join(folder, "image"), startWorkers({}))).rejects.toMatchObject({
      code: "TREE_UNFIT",
      details: { path: `/${entry}`, reason: expect.stringMatching(reason) as unknown },
    });
    expect(readdirSync(folder)).toEqual(["layer-0"]);
  });

  test("an abort leaves nothing behind", async () => {
    const folder = tempFolder();
    const { tree } = everyday(folder);
    const abort = new AbortController();
    const reason = new Error("enough");
    const onEvent: WriteExt4Options["onEvent"] = (event) => {
      if (event.type === "stage.started" && event.stage === "format") setTimeout(() => abort.abort(reason), 5);
    };
    const options = startWorkers({ signal: abort.signal, onEvent });
    await expect(writeExt4(tree, join(folder, "image"), options)).rejects.toBe(reason);
    expect(readdirSync(folder)).toEqual(["layer-0"]);
  });

  test.skipIf(noTmpfs !== undefined).for([
    { name: "is being formatted", bytes: 16_384, more: [] },
    { name: "is being filled", bytes: 131_072, more: Array.from({ length: 40 }, (_, at) => `d${at}`) },
  ])(
    "a disk that gets full while the image $name is told as that, and the old image stays",
    async ({ bytes, more }) => {
      const folder = tempFolder();
      const full = tmpfs(bytes);
      const image = join(full, "image");
      writeFileSync(image, "old");
      const make = new HandMadeTree();
      const names = more.map((name) => [name, make.directory({ file: make.file("x".repeat(4000)) })]);
      const tree = make.finish(folder, make.directory(Object.fromEntries(names)));
      const failed = writeExt4(tree, image, startWorkers({ workDirectory: folder }));
      await expect(failed).rejects.toMatchObject({ code: "NO_SPACE", details: { path: image } });
      expect(readdirSync(full)).toEqual(["image"]);
    },
  );

  test("what debugfs says is held to the byte, whatever its exit code", async () => {
    const folder = tempFolder();
    const { tree } = everyday(folder);
    const tools = join(folder, "tools");
    mkdirSync(tools);
    writeFileSync(join(tools, "debugfs"), '#!/bin/sh\necho "debugfs 1 (today)" >&2\nexit 0\n');
    chmodSync(join(tools, "debugfs"), 0o755);
    const environment = { PATH: `${tools}:${process.env.PATH}` };
    await expect(writeExt4(tree, join(folder, "image"), startWorkers({ environment }))).rejects.toMatchObject({
      code: "TOOL_FAILED",
      details: { tool: "debugfs" },
    });
    await expect(probeExt4Tools({ environment, workDirectory: folder })).rejects.toMatchObject({
      code: "TOOL_UNFIT",
      details: { tool: "debugfs" },
    });
    expect(readdirSync(folder).sort()).toEqual(["layer-0", "tools"]);
  });

  test("the probe makes an image of its own, and names the program that is missing", async () => {
    const folder = tempFolder();
    expect((await probeExt4Tools({ workDirectory: folder })).debugfs).toMatch(/^\/.*\/debugfs$/);
    expect(readdirSync(folder)).toEqual([]);
    await expect(probeExt4Tools({ environment: { PATH: folder } })).rejects.toMatchObject({
      code: "TOOL_MISSING",
      details: { tool: "mke2fs" },
    });
  });

  test("a damaged image does not pass the check, and is repaired where that is asked for", async () => {
    const folder = tempFolder();
    const { tree } = everyday(folder);
    const image = join(folder, "image");
    await writeExt4(tree, image, startWorkers({}));
    const { environment = process.env } = {};
    await checkImage(image, { environment });
    await run("debugfs", ["-w", "-R", "sif /etc links_count 9", image]);
    await expect(checkImage(image, { environment })).rejects.toMatchObject({
      code: "TOOL_FAILED",
      details: { exitCode: 4 },
    });
    await indexDirectories(image, { environment }); // exit code 1: errors were corrected
    await checkImage(image, { environment });
    writeFileSync(join(folder, "none"), "no file system");
    const error = { code: "TOOL_FAILED", details: { exitCode: 8 } };
    await expect(indexDirectories(join(folder, "none"), { environment })).rejects.toMatchObject(error);
  });
});

test("attributes that ext4 has no place for are left out, and told", async ({ skip }) => {
  skip(absent.length > 0, `needs ${absent.join(", ")}`);
  const make = new HandMadeTree();
  const acl = Buffer.from("0200000001000600ffffffff04000400ffffffff20000400ffffffff", "hex");
  const none = ["-f", "user", "com.apple.provenance", "system.data", "trusted."];
  const xattrs = new Map([
    ...none.map((name) => [name, Buffer.from("v")] as const),
    ["system.posix_acl_access", acl],
    ["user.large", Buffer.alloc(2000, "v")], // takes them to a block, where a faulty name would show
  ]);
  const tree = make.finish(tempFolder(), make.directory({ a: make.file("x", { xattrs }) }));
  const image = join(tempFolder(), "image");
  const warnings: string[] = [];
  const onEvent = (event: RootfsEvent) => void (event.type === "warning" && warnings.push(event.warning.message));
  await writeExt4(tree, image, startWorkers({ onEvent }));
  expect(warnings).toEqual([expect.stringContaining("5 extended attributes are not in")]);
  const listed = await reader(image)("ea_list a");
  expect([...listed.matchAll(/^ {2}(\S+) \(/gm)].map(([, name]) => name)).toEqual([
    "system.posix_acl_access",
    "user.large",
  ]);
});

test("inodes and blocks are counted, not guessed", () => {
  const make = new HandMadeTree();
  const empty = make.file("");
  const entries = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`n${index}`, make.file("x")]));
  const root = withLostAndFound(make.directory({ a: make.directory(entries), again: empty, empty }));
  const needs = ext4Needs(root);
  expect(inodeCount(needs)).toBe(11 + 1 + 100 + 1);
  expect(needs.blocks).toBeGreaterThanOrEqual(100 + 1);
  expect(needs.blocks).toBeLessThan(130);
});

function startWorkers(options: Partial<WriteExt4Options>): WriteExt4Options {
  const workers = new LayerWorkers({ maxThreads: 1 });
  onTestFinished(() => workers[Symbol.asyncDispose]());
  return { workers, ...options };
}

function everyday(folder: string): { readonly tree: RootfsTree; readonly root: DirectoryInode } {
  const make = new HandMadeTree();
  const passwd = make.file("root:x:0:0", { mode: 0o640, gid: 42 });
  const root = make.directory({
    etc: make.directory({ passwd, motd: make.symlink("/run/motd") }),
    bin: make.directory({ sh: make.file(Buffer.alloc(30_000, "code")), ash: passwd }),
  });
  return { tree: make.finish(folder, root), root };
}

/** Runs a command of `debugfs` on an image, and gives what it writes, a character a byte. */
function reader(image: string): (command: string) => Promise<string> {
  return async (command) => {
    const options = { encoding: "latin1", maxBuffer: 100 * 1024 ** 2, env: { ...process.env, TZ: "UTC" } } as const;
    return (await run("debugfs", ["-R", command, image], options)).stdout;
  };
}

/** The names `ls -p` tells, sorted. */
function namesIn(listing: string): readonly string[] {
  return [...listing.matchAll(/^\/\d+\/\d+\/\d+\/\d+\/([^/]*)\/\d*\/$/gm)].map(([, name]) => name ?? "").sort();
}
