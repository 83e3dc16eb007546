import { type ByteString, textOfByteString } from "../../../layer-archive/byte-string.ts";
import { isRootfsError, type RootfsError } from "../../errors.ts";
import { runTool } from "../../ext4/run-tool.ts";
import type { Inode } from "../../tree/inode.ts";
import type { TreeEntry } from "../../tree/walk-tree.ts";
import { dumpXattrs, restoreText } from "./xattr-dump.ts";

/** Where and how extended attributes are set. */
export interface ApplyXattrsOptions {
  /** The root of the tree on this machine. */
  readonly root: ByteString;
  readonly isRoot: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Extended attributes of an entry that could not be set, and why. */
export interface LackingXattrs extends TreeEntry {
  readonly names: readonly ByteString[];
  readonly reason: string;
}

const needsPrivilege = "extended attributes (root, or CAP_SYS_ADMIN and CAP_SETFCAP, are needed)";
const isRefused = "extended attributes (the file system or a missing privilege refuses them)";

/**
 * Sets extended attributes, which Node cannot, with one run of setfattr. Owners are as they stay by then, modes still open to
 * the owner. When setfattr has something to complain of, getfattr tells what is there.
 */
export async function applyXattrs(
  entries: readonly TreeEntry[],
  { root, isRoot, signal }: ApplyXattrsOptions,
): Promise<readonly LackingXattrs[]> {
  const lacking: LackingXattrs[] = [];
  const tried: TreeEntry[] = [];
  for (const entry of entries) {
    const names = [...(entry.inode.xattrs?.keys() ?? [])];
    const hopeless = names.filter((name) => !(isRoot || isUsers(name, entry.inode)) || name.includes("\0"));
    if (hopeless.length > 0) lacking.push({ ...entry, names: hopeless, reason: needsPrivilege });
    if (hopeless.length < names.length) tried.push(without(entry, hopeless));
  }
  if (tried.length === 0) return lacking;
  const cwd = textOfByteString(root);
  try {
    const options = { step: "set extended attributes", cwd, input: restoreText(tried), accept: [0, 1], signal };
    const { exitCode } = await runTool("setfattr", ["-h", "--restore=-"], options);
    if (exitCode === 0) return lacking;
    const there = await dumpXattrs(cwd, signal);
    return [...lacking, ...tried.flatMap((entry) => notThere(entry, there))];
  } catch (error) {
    const tool = missingTool(error);
    if (tool === undefined) throw error;
    const reason = `extended attributes (the program ${tool} is needed)`;
    return [
      ...lacking,
      ...tried.map((entry) => ({ ...entry, names: [...(entry.inode.xattrs?.keys() ?? [])], reason })),
    ];
  }
}

/** Whether the owner of a file may set it. @see xattr(7), "Extended user attributes" */
function isUsers(name: ByteString, { type }: Inode): boolean {
  return name.startsWith("user.") && (type === "file" || type === "directory");
}

function without({ path, inode }: TreeEntry, names: readonly ByteString[]): TreeEntry {
  if (names.length === 0) return { path, inode };
  const xattrs = new Map([...(inode.xattrs ?? [])].filter(([name]) => !names.includes(name)));
  return { path, inode: { ...inode, xattrs } };
}

function notThere(entry: TreeEntry, there: ReadonlyMap<ByteString, string>): readonly LackingXattrs[] {
  const names = [...(entry.inode.xattrs ?? [])]
    .filter(([name, value]) => there.get(`${entry.path}\0${name}`) !== Buffer.from(value).toString("base64"))
    .map(([name]) => name);
  return names.length === 0 ? [] : [{ ...entry, names, reason: isRefused }];
}

function missingTool(error: unknown): string | undefined {
  if (isRootfsError(error, "TOOL_MISSING")) return (error as RootfsError<"TOOL_MISSING">).details.tool;
  if (isRootfsError(error, "TOOL_UNFIT")) return (error as RootfsError<"TOOL_UNFIT">).details.tool;
  return undefined;
}
