import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRootfsError, RootfsError } from "../errors.ts";
import { fileError } from "../file-error.ts";
import type { DirectoryInode, FileInode, Inode, InodeMetadata } from "../tree/inode.ts";
import { checkImage, indexDirectories } from "./check-image.ts";
import { ext4Environment, ext4Settings, imageLink } from "./ext4-environment.ts";
import { ext4Needs } from "./ext4-needs.ts";
import { fillImage } from "./fill-image.ts";
import { findTool, type ToolEnvironment } from "./find-tool.ts";
import { contentFile, xattrFile } from "./image-commands.ts";
import { imageIds } from "./image-uuid.ts";
import { plannedDirectories, withLostAndFound } from "./planned-directories.ts";

/** Options of {@link probeExt4Tools}. */
export interface ProbeExt4Options {
  /** Variables for the programs; `PATH` says where they are. @defaultValue `process.env` */
  readonly environment?: ToolEnvironment | undefined;
  /** Where the image that is tried lies for a moment. @defaultValue the system's folder for such files */
  readonly workDirectory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where the programs are that make ext4 images. */
export interface Ext4Tools {
  readonly mke2fs: string;
  readonly debugfs: string;
  readonly e2fsck: string;
}

/**
 * Finds out whether this machine can make ext4 images, by making one: two MiB with a name of every kind.
 * @throws RootfsError `TOOL_MISSING`, `TOOL_UNFIT`, `FILE_FAILED`, `NO_SPACE`
 */
export async function probeExt4Tools(options: ProbeExt4Options = {}): Promise<Ext4Tools> {
  const { environment = process.env, workDirectory = tmpdir(), signal } = options;
  const tools = await findExt4Tools(environment);
  const folder = await mkdtemp(join(workDirectory, ".ext4-")).catch((error: unknown) => {
    throw fileError(error, workDirectory);
  });
  try {
    await makeSample(folder, ext4Environment(folder, environment), signal);
    return tools;
  } catch (error) {
    if (!isRootfsError(error, "TOOL_FAILED")) throw error;
    const { tool, step, output } = error.details;
    const reason = `cannot ${step}: ${output.slice(-500)}`;
    const message = `cannot make ext4 images: ${tool} does not do what is needed: ${error.message}`;
    throw new RootfsError("TOOL_UNFIT", message, { tool, reason }, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Finds the programs that make ext4 images, without trying them.
 * @param environment - Variables for the programs; `PATH` says where they are. @defaultValue `process.env`
 * @throws RootfsError `TOOL_MISSING`
 */
export async function findExt4Tools(environment: ToolEnvironment = process.env): Promise<Ext4Tools> {
  const find = (tool: string) => findTool(tool, "make ext4 images", environment);
  return { mke2fs: await find("mke2fs"), debugfs: await find("debugfs"), e2fsck: await find("e2fsck") };
}

async function makeSample(
  folder: string,
  environment: ToolEnvironment,
  signal: AbortSignal | undefined,
): Promise<void> {
  const image = join(folder, imageLink);
  const root = withLostAndFound(sampleRoot());
  const ids = imageIds({ root, layers: [] });
  const write = async (name: string, bytes: string | Uint8Array) => {
    await writeFile(join(folder, name), bytes).catch((error: unknown) => {
      throw fileError(error, folder);
    });
  };
  await write(ext4Settings.name, ext4Settings.text);
  await write(imageLink, "");
  for (const { names } of plannedDirectories(root)) {
    for (const { inode, number } of names) {
      for (const value of inode.xattrs?.values() ?? []) await write(xattrFile(number, 0), value);
      if (inode.type === "file" && "bytes" in inode.content) await write(contentFile(number), inode.content.bytes);
    }
  }
  const format = { folder, ids, label: "sample", hasJournal: false, sizeBytes: undefined, environment, signal };
  await fillImage(image, root, ext4Needs(root), format);
  const check = { cwd: folder, environment, signal };
  await indexDirectories(imageLink, check);
  await checkImage(imageLink, check);
}

function sampleRoot(): DirectoryInode {
  const metadata: InodeMetadata = {
    mode: 0o4711,
    uid: 70_000,
    gid: 70_001,
    mtime: { seconds: 5_000_000_000, nanoseconds: 1 },
    atime: undefined,
    xattrs: undefined,
  };
  const directory = (entries: Readonly<Record<string, Inode>>): DirectoryInode => ({
    ...metadata,
    type: "directory",
    entries: new Map(Object.entries(entries)),
  });
  const bytes = Buffer.from("bytes");
  const xattrs = new Map([["user.sample", bytes]]);
  const file: FileInode = { ...metadata, type: "file", size: bytes.byteLength, content: { bytes }, xattrs };
  const many = Array.from({ length: 400 }, (_, index) => [`link-${index}`, file] as const);
  return directory({
    below: directory({ file, "line\nfeed": file }),
    device: { ...metadata, type: "block", major: 4095, minor: 1_048_575 },
    fifo: { ...metadata, type: "fifo" },
    link: { ...metadata, type: "symlink", target: 'a "target"' },
    many: directory(Object.fromEntries(many)), // more than a block
  });
}
