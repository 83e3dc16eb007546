import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tempFolder } from "../../support/temp-folder.ts";
import { compareTrees, differences } from "./compare.ts";
import { nastyLayers } from "./nasty-image.ts";
import { writeLayout } from "./oci-layout.ts";
import { paxArchive } from "./pax-archive.ts";
import { noLoopMount, noReferee } from "./privileges.ts";
import { readDirectory } from "./read-directory.ts";
import { checkExt4, readExt4, readMountedExt4 } from "./read-ext4.ts";
import { copyToExt4, unpackWithUmoci } from "./reference-trees.ts";

function nastyTree(folder: string): string {
  const layout = join(folder, "layout");
  writeLayout(
    layout,
    nastyLayers.map((entries) => ({ archive: paxArchive(entries), packing: "gzip" })),
  );
  return unpackWithUmoci(layout, folder);
}

describe.skipIf(noReferee !== undefined)(`descriptions of trees (${noReferee ?? "in full"})`, () => {
  const plants: readonly { what: string; plant: (root: string) => void; found: readonly string[] }[] = [
    { what: "a mode", plant: (root) => chmodSync(join(root, "usr/bin/su"), 0o755), found: ["usr/bin/su mode"] },
    { what: "an owner", plant: (root) => lchownSync(join(root, "no-mode"), 1, 0), found: ["no-mode owner"] },
    {
      what: "the root's owner",
      plant: (root) => lchownSync(root, 3, 5),
      found: [". owner"],
    },
    {
      what: "a byte of content",
      plant: (root) => {
        writeFileSync(join(root, "sizes/1"), "t");
        lutimesSync(join(root, "sizes/1"), 1_600_000_000, 1_600_000_000);
      },
      found: ["sizes/1 sha256"],
    },
    {
      what: "a size",
      plant: (root) => {
        appendFileSync(join(root, "sizes/1"), "t");
        lutimesSync(join(root, "sizes/1"), 1_600_000_000, 1_600_000_000);
      },
      found: ["sizes/1 size", "sizes/1 sha256"],
    },
    {
      what: "a microsecond",
      plant: (root) => lutimesSync(join(root, "times/link"), 1_111_111_111, 1_111_111_111.000_001),
      found: ["times/link mtime"],
    },
    {
      what: "an attribute of a link",
      plant: (root) => setfattr("-h", "-n", "trusted.link", "-v", "other", "--", join(root, "link-with-attribute")),
      found: ["link-with-attribute xattrs"],
    },
    {
      what: "a lost capability",
      plant: (root) => setfattr("-x", "security.capability", "--", join(root, "usr/bin/ping")),
      found: ["usr/bin/ping xattrs", "usr/lib/across xattrs"],
    },
    {
      what: "a link's target",
      plant: (root) => {
        rmSync(join(root, "lib"));
        symlinkSync("/usr/lic", join(root, "lib"));
        lutimesSync(join(root, "lib"), 1_600_000_000, 1_600_000_000);
      },
      found: [". mtime", "lib target"],
    },
    {
      what: "a broken hard link",
      plant: (root) => {
        execFileSync("cp", ["-a", "--", join(root, "pair-two"), join(root, "copy")]);
        linkSync(join(root, "copy"), join(root, "zz-copy"));
      },
      found: [". mtime", "copy path", "zz-copy path"],
    },
    {
      what: "names of one inode as names of two",
      plant: (root) => {
        execFileSync("cp", ["-a", "--", join(root, "across"), join(root, "acrost")]);
        renameSync(join(root, "acrost"), join(root, "across"));
      },
      found: [
        ". mtime",
        "across same inode as",
        "linked-one same inode as",
        "links/three same inode as",
        "links/two same inode as",
      ],
    },
    {
      what: "a device's number",
      plant: (root) => {
        rmSync(join(root, "dev/high"));
        execFileSync("mknod", ["-m", "600", "--", join(root, "dev/high"), "b", "259", "1000001"]);
      },
      found: ["dev mtime", "dev/high mtime", "dev/high device"],
    },
    {
      what: "one name more",
      plant: (root) => mkdirSync(join(root, "etc/more")),
      found: ["etc mtime", "etc/more path"],
    },
    {
      what: "one name less",
      plant: (root) => rmSync(join(root, "names/-rf")),
      found: ["names mtime", "names/-rf path"],
    },
  ];

  test("planted differences are found, each with its path and field and none beside it", () => {
    const tree = nastyTree(tempFolder());
    const before = readDirectory(tree);
    expect(before.length).toBeGreaterThan(150);
    expect(differences(before, readDirectory(tree))).toEqual([]);
    for (const { plant } of plants) plant(tree);
    const seen = differences(before, readDirectory(tree)).map(({ path, field }) => `${path} ${field}`);
    expect(seen.sort()).toEqual([...new Set(plants.flatMap(({ found }) => found))].sort());
  });

  test.skipIf(noLoopMount !== undefined)(
    `debugfs and the kernel read the same of an ext4 image (${noLoopMount ?? "mounted"})`,
    () => {
      const folder = tempFolder();
      const tree = nastyTree(folder);
      const image = copyToExt4(tree, folder);
      checkExt4(image);
      const copied = { name: "the directory", records: readDirectory(tree) };
      const mounted = { name: "the kernel", records: readMountedExt4(image, { workFolder: folder }) };
      const read = { name: "debugfs", records: readExt4(image, { workFolder: folder }) };
      expect(compareTrees(copied, mounted).wrong).toEqual([]);
      expect(compareTrees(mounted, read).wrong).toEqual([]);
    },
  );
});

test("an exception excepts exactly what it names, and has to show", () => {
  const record = { path: "a", type: "fifo", mode: 0o600, uid: 0, gid: 0, mtime: 0n, xattrs: [] } as const;
  const left = { name: "left", records: [record] };
  const right = { name: "right", records: [{ ...record, mode: 0o644 }] };
  const exception = { path: "a", field: "mode", left: "0600", right: "0644", because: "known" };
  expect(compareTrees(left, right, { exceptions: [exception] })).toMatchObject({ wrong: [], excepted: 1 });
  expect(compareTrees(left, right, { exceptions: [{ ...exception, right: "0666" }] }).wrong).toHaveLength(2);
  expect(compareTrees(left, left, { exceptions: [exception] }).wrong).toEqual([
    "a: mode: the exception (known) did not show",
  ]);
});

function setfattr(...args: readonly string[]): void {
  execFileSync("setfattr", args);
}
