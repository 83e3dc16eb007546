import { writeExt4 } from "../../packages/core/src/rootfs/ext4/write-ext4.ts";
import { LayerWorkers } from "../../packages/core/src/rootfs/layers/layer-workers.ts";
import type { FileInode } from "../../packages/core/src/rootfs/tree/inode.ts";
import type { RootfsTree } from "../../packages/core/src/rootfs/tree/rootfs-tree.ts";
import { HandMadeTree } from "./hand-made-tree.ts";

/** A small tree of all that only root could make on a disk, its contents in memory. */
export function ext4Sample(): RootfsTree {
  const make = new HandMadeTree();
  const file = (text: string, metadata: Partial<FileInode> = {}): FileInode => {
    const bytes = Buffer.from(text);
    return { ...make.file("", metadata), size: bytes.byteLength, content: { bytes } };
  };
  const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
  const shared = file("shared", { mode: 0o4755, uid: 1000, gid: 70_000 });
  const names = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`name ${(index * 7) % 300}`, shared]));
  const root = make.directory({
    able: file("able", { xattrs: new Map([["security.capability", capability]]) }),
    closed: file("closed", { mode: 0 }),
    disk: make.device("block", 259, 70_000),
    "line\nfeed": make.symlink("a\nb"),
    many: make.directory(names),
  });
  return { root, layers: [] };
}

/** Run as a program: writes the image to the path it is given, and prints its hash. */
if (import.meta.main) {
  await using workers = new LayerWorkers({ maxThreads: 1 });
  console.log((await writeExt4(ext4Sample(), process.argv[2] ?? "image", { workers })).sha256);
}
