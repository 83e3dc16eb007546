import { join } from "node:path";
import type { RootfsEvent } from "../../packages/core/src/rootfs/events.ts";
import { LayerWorkers } from "../../packages/core/src/rootfs/layers/layer-workers.ts";
import { replaceDirectory } from "../../packages/core/src/rootfs/output/replace-directory.ts";
import { writeDirectory } from "../../packages/core/src/rootfs/output/write-directory.ts";
import { everyKind, HandMadeTree } from "./hand-made-tree.ts";

/**
 * Writes `everyKind` into the directory `out` of a folder and prints the events, one a line: for other users than the test's.
 * Then replaces the directory, the second time one that nobody may write to, and prints what that warns of.
 */
const [folder = "."] = process.argv.slice(2);
process.umask(0o022);
await using workers = new LayerWorkers();
const make = new HandMadeTree();
const onEvent = (event: RootfsEvent) => console.log(JSON.stringify(event));
const tree = make.finish(folder, everyKind(make));
const out = join(folder, "out");
await writeDirectory(tree, out, { workers, onEvent });
const warn = (event: RootfsEvent) => event.type === "warning" && onEvent(event);
const closed = make.finish(
  folder,
  make.directory({}, { mode: 0o555, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }),
);
for (const other of [closed, tree]) await replaceDirectory(other, out, { workers, onEvent: warn });
