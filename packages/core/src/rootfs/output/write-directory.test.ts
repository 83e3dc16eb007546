import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { gnuTar } from "../../../../../tests/support/gnu-tar.ts";
import { everyKind, HandMadeTree } from "../../../../../tests/support/hand-made-tree.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../../../../../tests/support/tmpfs.ts";
import { lacking } from "../../../../../tests/support/tools.ts";
import type { RootfsEvent } from "../events.ts";
import { LayerWorkers } from "../layers/layer-workers.ts";
import { metadataSidecarSchema } from "./directory/sidecar.ts";
import { writeTar } from "./tar/write-tar.ts";
import { writeDirectory } from "./write-directory.ts";

const isRoot = process.getuid?.() === 0;

const nobody = 65_534;
const program = fileURLToPath(new URL("../../../../../tests/support/write-tree-program.ts", import.meta.url));
const noOtherUser = isRoot ? whyNoOtherUser() : undefined;

/** Why another user cannot run the program; `undefined` when one can. */
function whyNoOtherUser(): string | undefined {
  const user = { uid: nobody, gid: nobody };
  const { status, error } = spawnSync(process.execPath, ["--check", program], { ...user, stdio: "ignore" });
  return status === 0 ? undefined : `another user cannot read the program: ${error?.message ?? status}`;
}

/** The extended attributes of one directory. */
function listingOf(path: string): string {
  return execFileSync("getfattr", ["-d", "-m", "-", "-e", "base64", "--absolute-names", "--", path], {
    encoding: "utf8",
  });
}

function startWorkers(): LayerWorkers {
  const workers = new LayerWorkers();
  onTestFinished(() => workers[Symbol.asyncDispose]());
  return workers;
}

/** What GNU tar says of a directory, or of an archive. */
function listing(archive: string): readonly string[] {
  const flags = ["--full-time", "--numeric-owner", "--quoting-style=escape", "--xattrs", "--xattrs-include=*"];
  const lines = gnuTar(...flags, "-tvvf", archive)
    .toString()
    .trimEnd()
    .split("\n");
  return lines.map((line) => line.replaceAll(/ +/g, " "));
}

test.skipIf(!isRoot || lacking("setfattr", "tar").length > 0)(
  "as root a directory has all that the tree has: packed by GNU tar it is what the tree's own archive is (needs root, setfattr)",
  async () => {
    const folder = tempFolder();
    const workers = startWorkers();
    const make = new HandMadeTree();
    const tree = make.finish(folder, everyKind(make));
    const events: RootfsEvent[] = [];
    const out = join(folder, "made", "out");
    const result = await writeDirectory(tree, out, { workers, onEvent: (event) => events.push(event) });
    expect(statSync(join(out, "writable")).atimeMs).toBe(1_700_000_000_000);
    await writeTar(tree, join(folder, "ours.tar"), { workers });
    const flags = ["--format=posix", "--xattrs", "--xattrs-include=*", "--sparse", "--sort=name"];
    gnuTar(...flags, "-cf", join(folder, "theirs.tar"), "-C", out, ".");

    expect(result).toMatchObject({ entries: 16, unapplied: 0, sidecar: undefined });
    expect(events.filter(({ type }) => type === "warning")).toEqual([]);
    const isLinkToDevice = (line: string) => line.includes("device\\\\2"); // GNU tar packs the device twice
    const theirs = listing(join(folder, "theirs.tar")).map((line) =>
      line.replace(/ \.\/(?=.)/, " ").replace(" link to ./", " link to "),
    );
    const ours = listing(join(folder, "ours.tar"));
    expect(theirs.filter((line) => !isLinkToDevice(line)).toSorted()).toEqual(
      ours.filter((line) => !isLinkToDevice(line)).toSorted(),
    );
    expect(statSync(join(out, "device\\2")).ino).toBe(statSync(join(out, "device")).ino);
    expect(readFileSync(join(out, "link"), "utf8")).toBe("shared");
    expect(statSync(join(out, "link")).ino).toBe(statSync(join(out, "-rf")).ino);
    expect(readdirSync(folder).sort()).toEqual(["layer-0", "layer-1", "made", "ours.tar", "theirs.tar"]);
  },
);

test.skipIf(noOtherUser !== undefined || lacking("setfattr", "tar").length > 0)(
  `without root what cannot be applied is told exactly, and no program acts for somebody else (needs setfattr${noOtherUser ? `; ${noOtherUser}` : ""})`,
  () => {
    const folder = tempFolder();
    const user = isRoot ? { uid: nobody, gid: nobody } : {};
    if (isRoot) chownSync(folder, nobody, nobody);
    const printed = execFileSync(process.execPath, [program, folder], { encoding: "utf8", ...user });
    const events = printed
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as RootfsEvent);
    const path = join(folder, "out.metadata.json");
    const { entries } = metadataSidecarSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    const told = new Map(entries.map(({ path, ...entry }) => [typeof path === "string" ? path : path.base64, entry]));

    const warnings = events.filter((event) => event.type === "warning").map(({ warning }) => warning);
    const lacking = { code: "METADATA_NOT_APPLIED", message: expect.stringContaining("CAP_MKNOD") };
    expect(warnings).toMatchObject([lacking, lacking]); // none of what was replaced, though it is closed to its owner
    expect(told.get("-rf")).toEqual({
      type: "file",
      uid: 12,
      gid: 34,
      mode: "4755",
      xattrs: [{ name: "security.capability", value: "AQAAAgAgAAAAAAAAAAAAAAAAAAA=" }],
    });
    expect(told.get("acting")).toEqual({ type: "file", uid: 12, gid: 0, mode: "6755" });
    expect(told.get("closed/below")).toEqual({ type: "directory", uid: 0, gid: 0 });
    expect(told.get("")).toEqual({ type: "directory", uid: 1000, gid: 1001 });
    expect(told.get("new\nline")).toEqual({ type: "symlink", uid: 5, gid: 6 });
    expect(told.get(Buffer.from([0xff, 0xfe]).toString("base64"))).toEqual({ type: "fifo", uid: 0, gid: 0 });
    expect(told.get("диск")).toMatchObject({ missing: true, mode: "0600", device: { major: 7, minor: 300 } });
    expect(told.get("диск")).toMatchObject({ mtime: "1600000000" });
    expect(told.get("device\\2")).toEqual({ type: "character", hardLinkTo: "device" });
    expect(told.get("shared")).toEqual({ type: "directory", uid: 0, gid: 8, mode: "3775" });

    const out = join(folder, "out");
    const modes = ["-rf", "acting", "shared", "closed", "writable", "."].map(
      (name) => lstatSync(join(out, name)).mode & 0o7777,
    );
    expect(modes).toEqual([0o755, 0o755, 0o1775, 0, 0o666, 0o711]);
    if (isRoot) expect(lstatSync(join(out, "closed/below"), { bigint: true }).mtimeNs).toBe(-99_500_000_000n);
    expect(lstatSync(join(out, "closed"), { bigint: true }).mtimeNs).toBe(-99_500_000_000n);
    expect(existsSync(join(out, "device"))).toBe(false);
    expect(listingOf(join(out, "shared"))).toContain("user.a\\075b=0sAAo=");
    chmodSync(join(out, "closed"), 0o700); // or nobody but root could remove it
  },
);

test.skipIf(lacking("setfattr", "getfattr").length > 0)(
  "an extended attribute that the file system refuses is told, and those beside it are set (needs setfattr, getfattr)",
  async () => {
    const folder = tempFolder();
    const make = new HandMadeTree();
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const value = Buffer.from([0, 61, 10]);
    const xattrs = new Map(["nobody.knows", "user.=\n\\", "user.z"].map((name) => [name, value]));
    const names = ["# file: x", "b=0s\\", "\xfe\n"];
    const entries = Object.fromEntries(names.map((name) => [name, make.file(name, { ...owner, xattrs, mode: 0o444 })]));
    const tree = make.finish(folder, make.directory(entries, owner));
    const { sidecar = "", unapplied } = await writeDirectory(tree, join(folder, "out"), { workers: startWorkers() });
    const told = metadataSidecarSchema.parse(JSON.parse(readFileSync(sidecar, "utf8"))).entries;
    const lackingOne = { type: "file", xattrs: [{ name: "nobody.knows", value: "AD0K" }] };
    expect(unapplied).toBe(3);
    expect(told).toEqual([
      { path: "# file: x", ...lackingOne },
      { path: "b=0s\\", ...lackingOne },
      { path: { base64: "/go=" }, ...lackingOne },
    ]);
    for (const name of ["# file: x", "b=0s\\"]) {
      const listed = listingOf(join(folder, "out", name));
      expect(listed).toContain("user.\\075\\012\\134=0sAD0K");
      expect(listed).toContain("user.z=0sAD0K");
      expect(lstatSync(join(folder, "out", name)).mode & 0o7777).toBe(0o444);
    }
  },
);

test.skipIf(lacking("setfattr", "getfattr").length > 0)(
  "an extended attribute without a value is set, even if it is the first (needs setfattr, getfattr)",
  async () => {
    const folder = tempFolder();
    const make = new HandMadeTree();
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const xattrs = new Map([["user.empty", new Uint8Array()]]);
    const tree = make.finish(folder, make.directory({ file: make.file("x", { ...owner, xattrs }) }, owner));
    const { unapplied } = await writeDirectory(tree, join(folder, "out"), { workers: startWorkers() });
    expect(unapplied).toBe(0);
    expect(listingOf(join(folder, "out", "file"))).toContain("user.empty=0s\n");
  },
);

test.skipIf(noTmpfs !== undefined)(
  `a full file system is told as such, and its directory is empty again${noTmpfs === undefined ? "" : ` (${noTmpfs})`}`,
  async () => {
    const folder = tempFolder();
    const make = new HandMadeTree();
    const tree = make.finish(
      folder,
      make.directory({ d: make.directory({ big: make.file(Buffer.alloc(3_000_000)) }) }),
    );
    const small = tmpfs(1_000_000);
    const failing = writeDirectory(tree, small, { workers: startWorkers() });
    await expect(failing).rejects.toMatchObject({ name: "RootfsError", code: "NO_SPACE" });
    expect(readdirSync(small)).toEqual([]);
  },
);

test("times are kept to within 300 ns, or 1.3 µs with Node 22, exactly where they are whole seconds, also before 1970", async () => {
  const folder = tempFolder();
  const times = [
    { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
    { seconds: 4_000_000_000, nanoseconds: 999_999_999 },
    { seconds: 1_700_000_001, nanoseconds: 0 },
    { seconds: -2_000_000_000, nanoseconds: 0 },
    { seconds: -1, nanoseconds: 999_999_000 },
    { seconds: 0, nanoseconds: 0 },
  ];
  const make = new HandMadeTree();
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const kinds = { f: () => make.file("x"), d: () => make.directory(), l: () => make.symlink("nowhere") };
  const entries = times.flatMap((mtime, number) =>
    Object.entries(kinds).map(([kind, made]) => [`${kind}${number}`, { ...made(), ...owner, mtime }] as const),
  );
  const tree = make.finish(folder, make.directory(Object.fromEntries(entries), owner));
  await writeDirectory(tree, join(folder, "out"), { workers: startWorkers() });
  const toleranceNs = process.version.startsWith("v22.") ? 1300 : 300;
  for (const [name, { mtime }] of entries) {
    const wanted = BigInt(mtime.seconds) * 1_000_000_000n + BigInt(mtime.nanoseconds);
    const off = Number(lstatSync(join(folder, "out", name), { bigint: true }).mtimeNs - wanted);
    expect(Math.abs(off), name).toBeLessThanOrEqual(mtime.nanoseconds === 0 ? 0 : toleranceNs);
  }
});

test("a directory is closed to others until it is done, also one that was there", async () => {
  const folder = tempFolder();
  const out = join(folder, "out");
  mkdirSync(out, { mode: 0o777 });
  const make = new HandMadeTree();
  const tree = make.finish(folder, make.directory({ a: make.file("a") }, { mode: 0o755 }));
  const modes: number[] = [];
  const onEvent = ({ type }: RootfsEvent) => {
    if (type === "stage.started" || type === "stage.progress") modes.push(statSync(out).mode & 0o7777);
  };
  await writeDirectory(tree, out, { workers: startWorkers(), onEvent });
  expect(new Set(modes)).toEqual(new Set([0o700]));
  expect(statSync(out).mode & 0o7777).toBe(0o755);
});

test("a directory that is not empty, or a file, is left as it is", async () => {
  const folder = tempFolder();
  const workers = startWorkers();
  const make = new HandMadeTree();
  const tree = make.finish(folder, make.directory({ a: make.file("a") }));
  mkdirSync(join(folder, "full"));
  writeFileSync(join(folder, "full/mine"), "mine");
  for (const name of ["full", "full/mine", "full/mine/below"]) {
    const path = join(folder, name);
    await expect(writeDirectory(tree, path, { workers })).rejects.toMatchObject({
      code: "OUTPUT_EXISTS",
      details: { path },
    });
  }
  expect(readdirSync(join(folder, "full"))).toEqual(["mine"]);
});

test("what fails leaves nothing: a new directory goes, an empty one is empty again", async () => {
  const folder = tempFolder();
  const workers = startWorkers();
  const make = new HandMadeTree();
  const inner = make.directory({ "\xff": make.file("a"), closed: make.directory({}, { mode: 0 }) });
  const tree = make.finish(folder, make.directory({ inner, link: make.symlink("/etc") }));
  writeFileSync(join(folder, "layer-0"), "damaged");
  mkdirSync(join(folder, "empty"));
  for (const name of ["new", "empty"]) {
    const failing = writeDirectory(tree, join(folder, name), { workers });
    await expect(failing).rejects.toMatchObject({ name: "RootfsError" });
  }
  expect(readdirSync(folder).sort()).toEqual(["empty", "layer-0"]);
  expect(readdirSync(join(folder, "empty"))).toEqual([]);
  const stop = AbortSignal.abort(new Error("enough"));
  await expect(writeDirectory(tree, join(folder, "new"), { workers, signal: stop })).rejects.toThrow("enough");
});

test.for(["..", ".", "", "a/../../b", "/etc", "a\0b"])("the name %j is refused wherever it is", async (name) => {
  const folder = tempFolder();
  const make = new HandMadeTree();
  const tree = make.finish(folder, make.directory({ deep: make.directory({ [name]: make.symlink("x") }) }));
  const failing = writeDirectory(tree, join(folder, "out"), { workers: startWorkers() });
  await expect(failing).rejects.toMatchObject({ code: "IMAGE_INVALID" });
  expect(readdirSync(folder)).toEqual(["layer-0"]);
});

test("links that lead out stay what they are, and nothing is written through them", async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, "outside"));
  writeFileSync(join(folder, "outside/file"), "mine");
  const make = new HandMadeTree();
  const root = make.directory({
    a: make.symlink(join(folder, "outside")),
    b: make.symlink("../outside/file", { xattrs: new Map([["trusted.of-the-link", Buffer.from("x")]]) }),
    c: make.directory({ d: make.symlink("../../outside") }),
  });
  const out = join(folder, "out");
  await writeDirectory(make.finish(folder, root), out, { workers: startWorkers() });
  expect(readlinkSync(join(out, "b"))).toBe("../outside/file");
  if (lacking("getfattr").length === 0) expect(listingOf(join(folder, "outside/file"))).toBe("");
  expect(readdirSync(join(folder, "outside"))).toEqual(["file"]);
  expect(readFileSync(join(folder, "outside/file"), "utf8")).toBe("mine");
});

test("a link in place of the directory is told in the end, and nothing behind it is taken away", async () => {
  const folder = tempFolder();
  const [out, aside, theirs] = ["out", "aside", "theirs"].map((name) => join(folder, name)) as [string, string, string];
  mkdirSync(out);
  mkdirSync(theirs);
  writeFileSync(join(theirs, "kept"), "");
  const make = new HandMadeTree();
  const tree = make.finish(folder, make.directory({ a: make.file("x") }));
  const onEvent = ({ type }: RootfsEvent) => {
    if (type !== "stage.finished") return;
    renameSync(out, aside);
    symlinkSync(theirs, out);
  };
  const error = { code: "FILE_FAILED", details: { path: out, reason: "ESTALE" } };
  await expect(writeDirectory(tree, out, { workers: startWorkers(), onEvent })).rejects.toMatchObject(error);
  expect(readdirSync(theirs)).toEqual(["kept"]);
});
