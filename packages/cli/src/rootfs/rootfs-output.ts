import type { Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, relative, resolve } from "node:path";
import type { CliContext } from "../context.ts";
import { parseByteSize } from "../flags/byte-size.ts";
import { formatNames, type RootfsFlags, type RootfsFormat } from "../flags/rootfs-flags.ts";
import { requireOutputPlace } from "../output-file.ts";
import { UsageError } from "../usage-error.ts";

/** What is to be written, and where. */
export interface RootfsOutput {
  readonly format: RootfsFormat;
  /** `-` for standard output. */
  readonly path: string;
  readonly replace: boolean;
  /** Of an ext4 image; `undefined` for as small as can be. */
  readonly sizeBytes: number | undefined;
  readonly hasJournal: boolean;
}

/**
 * What flags say of the output. What can be known of it before the work is looked at, so that nothing is fetched in vain.
 * @param isJournalGiven - Whether it is the command line that wants a journal; the configuration means ext4 images alone.
 * @throws UsageError
 */
export async function rootfsOutput(
  flags: RootfsFlags,
  { columns }: Pick<CliContext, "columns">,
  isJournalGiven: boolean,
): Promise<RootfsOutput> {
  const { output: path, replace = false, size, journal: hasJournal = false } = flags;
  const format = formatOf(flags);
  const ofImage = size !== undefined ? "--size" : isJournalGiven ? "--journal" : undefined;
  if (format !== "ext4" && ofImage !== undefined)
    throw new UsageError(`${ofImage} is of ext4 images, and ${path} becomes ${formatNames[format]}`);
  const sizeBytes = size === undefined ? undefined : parseByteSize(size, "--size");
  if (path !== "-") await requireFree(path, format, replace);
  else if (flags.json && !flags.dryRun)
    throw new UsageError("--output -: standard output cannot be an archive and --json at once");
  else if (columns !== undefined && !flags.dryRun)
    throw new UsageError("--output -: standard output is a terminal; lead it to a file or a program");
  return { format, path, replace, sizeBytes, hasJournal };
}

function formatOf({ output: path, format }: RootfsFlags): RootfsFormat {
  if (path === "") throw new UsageError("--output: it is empty; name a directory, FILE.tar or FILE.ext4");
  if (path === "-") {
    if (format === undefined || format === "tar") return "tar";
    throw new UsageError(`--output -: ${formatNames[format]} cannot go to standard output, only a tar archive can`);
  }
  if (format !== undefined) return format;
  const name = basename(path);
  if (/[\\/]$/.test(path) || !/[^.]\./.test(name)) return "dir";
  if (name.endsWith(".tar")) return "tar";
  if (name.endsWith(".ext4")) return "ext4";
  const packed = /\.(?:tgz|tar\.[a-z0-9]+)$/.test(name)
    ? "; archives are not compressed here: -o - | gzip does it"
    : "";
  throw new UsageError(`--output ${path}: its name does not tell what it is: give --format dir, tar or ext4${packed}`);
}

async function requireFree(path: string, format: RootfsFormat, replace: boolean): Promise<void> {
  const there = await lstat(path).catch(() => undefined); // or a link to nothing
  requireNoNode(path, there); // before whether this user might write there
  const found = (await requireOutputPlace("--output", path)) ?? there;
  if (found === undefined) return;
  requireNoNode(path, found);
  const isDirectory = found.isDirectory();
  if (isDirectory !== (format === "dir"))
    throw new UsageError(`--output ${path}: ${isDirectory ? "a directory" : "a file"} is there already`);
  if (isDirectory && (await readdir(path)).length === 0) return;
  if (replace) return requireNotWithin(path);
  throw new UsageError(
    `--output ${path}: it is there already${isDirectory ? ", and not empty" : ""}; --replace puts the new one in its place`,
  );
}

function requireNoNode(path: string, found: Stats | undefined): void {
  if (found === undefined || found.isDirectory() || found.isFile() || found.isSymbolicLink()) return;
  throw new UsageError(`--output ${path}: neither a file nor a directory is there; - is standard output`);
}

/** A slip of the hand must not cost more than a root file system. */
function requireNotWithin(path: string): void {
  const target = resolve(path);
  const held = [resolve("."), homedir()].find((one) => one === target || !relative(target, one).startsWith(".."));
  if (held !== undefined) throw new UsageError(`--output ${path}: ${held} lies in it, and would be replaced`);
}
