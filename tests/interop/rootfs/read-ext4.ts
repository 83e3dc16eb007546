import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readDirectory, sha256OfFile, typeOf } from "./read-directory.ts";
import { finishRecords, type ReadRecord, type TreeRecord } from "./tree-record.ts";

/** The inode of `lost+found`, which every ext4 file system has and no image. */
const lostAndFound = 11;

/** Options of {@link readExt4}. */
export interface ReadExt4Options {
  /** An existing folder for contents on their way. */
  readonly workFolder: string;
}

interface Name {
  readonly path: string;
  readonly inode: number;
}

interface Attribute {
  readonly inode: number;
  readonly name: string;
}

/** Describes an ext4 image as `debugfs` reads it, without its `lost+found`. Needs no root. */
export function readExt4(image: string, { workFolder }: ReadExt4Options): readonly TreeRecord[] {
  const folder = mkdtempSync(join(workFolder, "debugfs-"));
  try {
    const debugfs = new Debugfs(image, folder);
    const names = namesOf(debugfs);
    const stats = statsOf(debugfs, names);
    const xattrs = xattrsOf(debugfs, stats);
    const files = new Map<number, string>();
    for (const [inode, text] of stats) if (/Type: regular/.test(text)) files.set(inode, join(folder, String(inode)));
    debugfs.run([...files].map(([inode, path]) => `dump <${inode}> ${path}`));
    const sums = new Map([...files].map(([inode, path]) => [inode, sha256OfFile(path)]));
    return finishRecords(
      names.map(({ path, inode }) => {
        const text = stats.get(inode) ?? "";
        return { ...describe(text, inode, debugfs), path, sha256: sums.get(inode), xattrs: xattrs.get(inode) ?? [] };
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Describes an ext4 image as the kernel reads it, mounted read-only for the moment. Needs root and loop devices. */
export function readMountedExt4(image: string, { workFolder }: ReadExt4Options): readonly TreeRecord[] {
  const point = mkdtempSync(join(workFolder, "mount-"));
  execFileSync("mount", ["-o", "loop,ro,nosuid,nodev,noexec,noatime", "--", image, point]);
  try {
    return readDirectory(point).filter(({ path }) => path !== "lost+found");
  } finally {
    execFileSync("umount", ["--", point]);
    rmSync(point, { recursive: true, force: true });
  }
}

class Debugfs {
  readonly #image: string;
  readonly #folder: string;

  constructor(image: string, folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#image = image;
    this.#folder = folder;
  }

  /** What it says to each of these commands, in their order. */
  run(commands: readonly string[]): readonly string[] {
    if (commands.length === 0) return [];
    const script = join(this.#folder, "script");
    writeFileSync(script, `${commands.join("\n")}\n`, "latin1");
    const env = { PATH: process.env.PATH, LC_ALL: "C", DEBUGFS_PAGER: "__none__" };
    const { status, stdout, stderr } = spawnSync("debugfs", ["-f", script, this.#image], {
      encoding: "latin1",
      maxBuffer: 2 ** 30,
      env,
    });
    const complaints = stderr.split("\n").filter((line) => line !== "" && !/^debugfs \d/.test(line));
    if (status !== 0 || complaints.length > 0) throw new Error(`debugfs ${this.#image}: ${complaints[0] ?? status}`);
    let at = 0;
    return commands.map((command, index) => {
      const [head, next] = [`debugfs: ${command}\n`, commands[index + 1]];
      if (!stdout.startsWith(head, at)) throw new Error(`debugfs answered something else than ${command}`);
      const from = at + head.length;
      at = next === undefined ? stdout.length : stdout.indexOf(`debugfs: ${next}\n`, from);
      if (at < 0) throw new Error(`debugfs did not answer ${next}`);
      return stdout.slice(from, at);
    });
  }
}

/** Every name, level by level. No name has a slash in it, which is what `ls -p` sets its fields apart with. */
function namesOf(debugfs: Debugfs): readonly Name[] {
  const all: Name[] = [{ path: ".", inode: 2 }];
  let level: readonly Name[] = all.slice();
  while (level.length > 0) {
    const listings = debugfs.run(level.map(({ inode }) => `ls -p <${inode}>`));
    level = level.flatMap((parent, index) => {
      const entries = [...(listings[index] ?? "").matchAll(/\/(\d+)\/(\d{6})\/-?\d+\/-?\d+\/([^/]+)\/\d*\/\n/g)];
      return entries.flatMap(([, inode, mode, name = ""]) => {
        if (name === "." || name === ".." || Number(inode) === lostAndFound) return [];
        const entry = { path: parent.path === "." ? name : `${parent.path}/${name}`, inode: Number(inode) };
        all.push(entry);
        return mode?.startsWith("04") ? [entry] : [];
      });
    });
  }
  return all;
}

function statsOf(debugfs: Debugfs, names: readonly Name[]): ReadonlyMap<number, string> {
  const inodes = [...new Set(names.map(({ inode }) => inode))];
  const texts = debugfs.run(inodes.map((inode) => `stat <${inode}>`));
  return new Map(inodes.map((inode, index) => [inode, texts[index] ?? ""]));
}

function xattrsOf(debugfs: Debugfs, stats: ReadonlyMap<number, string>): ReadonlyMap<number, readonly string[]> {
  const wanted: Attribute[] = [...stats].flatMap(([inode, text]) => {
    const [, list = ""] = /^Extended attributes:\n((?: {2}.*\n)*)/m.exec(text) ?? [];
    return [...list.matchAll(/^ {2}(.*?) \(\d+\)/gm)].map(([, name = ""]) => ({ inode, name }));
  });
  const values = debugfs.run(wanted.map(({ inode, name }) => `ea_get -x <${inode}> "${name}"`));
  const all = new Map<number, string[]>();
  for (const [index, { inode, name }] of wanted.entries()) {
    const [, hex = ""] = / \(\d+\)(?: = ([0-9a-f ]*))?\n/.exec((values[index] ?? "").slice(name.length)) ?? [];
    all.set(inode, [...(all.get(inode) ?? []), `${name}=${withAclIds(name, hex.replaceAll(" ", ""))}`].sort());
  }
  return all;
}

/** On disk the entries of an access control list that name nobody have no id: the kernel makes it -1 of that, `debugfs` 0. */
function withAclIds(name: string, hex: string): string {
  if (!name.startsWith("system.posix_acl_")) return hex;
  return hex.replace(/(?<=^.{8}(?:.{16})*)((?:01|04|10|20)00.{4})0{8}(?=(?:.{16})*$)/g, "$1ffffffff");
}

function describe(text: string, inode: number, debugfs: Debugfs): Omit<ReadRecord, "path" | "xattrs"> {
  const [, typeText = ""] =
    /Type: (regular|directory|symlink|FIFO|character special|block special|socket)/.exec(text) ?? [];
  const bits = {
    regular: 0o10,
    directory: 0o4,
    symlink: 0o12,
    FIFO: 0o1,
    "character special": 0o2,
    "block special": 0o6,
  };
  const type = typeOf((bits[typeText as keyof typeof bits] ?? 0) << 12);
  const size = Number(field(text, /Size: (\d+)\n/));
  const device = /Device major\/minor number: (\d+):(\d+)/.exec(text);
  return {
    type,
    mode: Number.parseInt(field(text, /Mode: +(\d+)/), 8) & 0o7777,
    uid: Number(field(text, /User: +(-?\d+)/)) >>> 0,
    gid: Number(field(text, /Group: +(-?\d+)/)) >>> 0,
    mtime: timeOf(text),
    size: type === "file" ? size : undefined,
    target: type === "symlink" ? targetOf(text, { inode, size, debugfs }) : undefined,
    device: device ? `${Number(device[1])}:${Number(device[2])}` : undefined,
    inode: type === "directory" ? undefined : String(inode),
  };
}

/** Short targets lie in the inode, long ones in a block. */
function targetOf(text: string, { inode, size, debugfs }: { inode: number; size: number; debugfs: Debugfs }): string {
  const mark = 'Fast link dest: "';
  const at = text.indexOf(mark);
  if (at >= 0) return text.slice(at + mark.length, at + mark.length + size);
  const [target = ""] = debugfs.run([`cat <${inode}>`]);
  return target;
}

/** Seconds of 34 bits, the upper two of them and the nanoseconds in the second word. */
function timeOf(text: string): bigint {
  const [seconds, extra] = field(text, / mtime: 0x([0-9a-f]+:[0-9a-f]+)/).split(":");
  const more = BigInt(`0x${extra}`);
  return (BigInt.asIntN(32, BigInt(`0x${seconds}`)) + ((more & 3n) << 32n)) * 1_000_000_000n + (more >> 2n);
}

function field(text: string, pattern: RegExp): string {
  const value = pattern.exec(text)?.[1];
  if (value === undefined) throw new Error(`debugfs says nothing like ${pattern} in ${text.slice(0, 80)}`);
  return value;
}

/** Throws what `e2fsck -fn` says unless it finds nothing to mend. */
export function checkExt4(image: string): void {
  execFileSync("e2fsck", ["-fn", "--", image], { stdio: ["ignore", "pipe", "pipe"] });
}
