import { lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { type ByteString, textOfByteString } from "../../../layer-archive/byte-string.ts";
import { isRootfsError } from "../../errors.ts";
import { runTool } from "../../ext4/run-tool.ts";
import type { Inode } from "../../tree/inode.ts";
import type { TreeEntry } from "../../tree/walk-tree.ts";
import { hostPath } from "../host-path.ts";
import { encodeEntry } from "../tar/encode-entry.ts";

/** Where and how nodes are made. */
export interface MakeNodesOptions {
  /** The root of the tree on this machine. */
  readonly root: ByteString;
  /** A path on the same file system with nothing there, for the time being. */
  readonly staging: ByteString;
  readonly isRoot: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A node that is not there, and why. */
export interface MissingNode extends TreeEntry {
  readonly reason: string;
}

/** What was made, still with the owner and mode it happened to get; and what could not be. */
export interface MadeNodes {
  readonly made: readonly TreeEntry[];
  readonly missing: readonly MissingNode[];
}

/**
 * Makes devices and named pipes, which Node cannot: tar does, of an archive that holds nothing else. It knows them by numbers,
 * so whatever their names are, none is a word of a command line; they get their names by renaming. One run makes them all.
 * @throws RootfsError `FILE_FAILED`
 */
export async function makeNodes(nodes: readonly TreeEntry[], options: MakeNodesOptions): Promise<MadeNodes> {
  const { isRoot, staging, signal } = options;
  const isTried = ({ inode }: TreeEntry) => isRoot || inode.type === "fifo";
  const tried = nodes.filter(isTried);
  const missing: MissingNode[] = nodes
    .filter((node) => !isTried(node))
    .map((node) => ({ ...node, reason: "devices (root, or CAP_MKNOD, is needed)" }));
  if (tried.length === 0) return { made: [], missing };
  mkdirSync(hostPath(staging), 0o700);
  let reason = "devices or pipes (CAP_MKNOD is needed, and a file system that has them)";
  try {
    await runTool("tar", ["-x", "-o", "-f", "-"], {
      step: "make devices and pipes",
      cwd: textOfByteString(staging),
      input: archiveOf(tried),
      accept: [0, 1, 2], // what it could not make is seen below
      signal,
    });
  } catch (error) {
    if (!(isRootfsError(error, "TOOL_MISSING") || isRootfsError(error, "TOOL_UNFIT"))) throw error;
    reason = "devices or pipes (the program tar is needed)";
  }
  const made: TreeEntry[] = [];
  for (const [number, node] of tried.entries()) {
    if (place(node, `${staging}/${number}`, options.root)) made.push(node);
    else missing.push({ ...node, reason });
  }
  rmSync(hostPath(staging), { recursive: true });
  return { made, missing };
}

function archiveOf(nodes: readonly TreeEntry[]): Uint8Array {
  const mtime = { seconds: 0, nanoseconds: 0 };
  const entries = nodes.map(({ inode }, number) =>
    encodeEntry(
      { ...inode, uid: 0, gid: 0, mode: 0o600, mtime, atime: undefined, xattrs: undefined },
      { name: String(number) },
    ),
  );
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

/** Gives what is at `from` its name, if that is the node it should be. */
function place({ path, inode }: TreeEntry, from: ByteString, root: ByteString): boolean {
  const stat = lstatSync(hostPath(from), { throwIfNoEntry: false });
  if (!stat) return false;
  const types: Readonly<Partial<Record<Inode["type"], boolean>>> = {
    character: stat.isCharacterDevice(),
    block: stat.isBlockDevice(),
    fifo: stat.isFIFO(),
  };
  if (types[inode.type] !== true) return false;
  renameSync(hostPath(from), hostPath(`${root}/${path}`));
  return true;
}
