import { constants } from "node:fs";
import { lstat, open, readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { DepsError } from "../errors.ts";
import { onDisk } from "../file-error.ts";
import { compareBytes } from "../json.ts";
import { chartError } from "./chart-error.ts";
import { type IsIgnored, parseHelmIgnore } from "./helm-ignore.ts";

/** The largest file and the largest chart that Helm loads, in bytes. */
const [maxFileBytes, maxChartBytes] = [5 * 1024 * 1024, 100 * 1024 * 1024];

/** How many files and folders a chart may have, left out ones too, and how deep they may stand in each other. */
const [maxEntries, maxDepth] = [10_000, 32];

/** The files of a chart by their paths below it, with `/` between the parts. */
export type ChartFiles = ReadonlyMap<string, Uint8Array>;

interface Walk {
  /** The chart's folder, without symbolic links. */
  readonly root: string;
  readonly chart: string;
  readonly isIgnored: IsIgnored;
  readonly signal: AbortSignal | undefined;
  readonly files: Map<string, Uint8Array>;
  entries: number;
  bytes: number;
}

/**
 * Reads the files of an unpacked chart that belong into its archive, in the order they have there: `Chart.yaml`, then
 * the others by the bytes of their paths. Symbolic links are followed as long as they stay in the chart.
 * @throws DepsError `CHART_TYPE`, `TOO_LARGE`, `FILE_FAILED`
 */
export async function readChartFiles(directory: string, signal: AbortSignal | undefined): Promise<ChartFiles> {
  signal?.throwIfAborted();
  const root = await onDisk(directory, () => realpath(directory));
  if (!(await onDisk(root, () => lstat(root))).isDirectory()) throw chartError(directory, "it is no folder");
  const isIgnored = await readIgnore(root, directory);
  const walk: Walk = { root, chart: directory, isIgnored, signal, files: new Map(), entries: 0, bytes: 0 };
  await walkFolder(walk, root, "", [root]);
  const rank = (path: string) => (path === "Chart.yaml" ? 0 : 1);
  return new Map([...walk.files].sort(([a], [b]) => rank(a) - rank(b) || compareBytes(a, b)));
}

/** `below` is where the folder is in the chart, ending in a slash; `real` where it and those around it really are. */
async function walkFolder(walk: Walk, folder: string, below: string, real: readonly string[]): Promise<void> {
  if (real.length > maxDepth) throw chartError(walk.chart, `its folders are more than ${maxDepth} deep`);
  for (const name of await onDisk(folder, () => readdir(folder, { encoding: "buffer" }))) {
    walk.signal?.throwIfAborted();
    walk.entries += 1;
    if (walk.entries > maxEntries) throw chartError(walk.chart, `it has more than ${maxEntries} files and folders`);
    const path = `${below}${nameOf(name, walk)}`;
    const place = await resolved(walk, join(folder, name.toString()), path);
    const found = await onDisk(place, () => lstat(place));
    if (walk.isIgnored(path, found.isDirectory())) continue;
    if (found.isDirectory()) {
      if (real.includes(place)) throw chartError(walk.chart, `${path} is a symbolic link to a folder it is in`);
      await walkFolder(walk, place, `${path}/`, [...real, place]);
    } else if (found.isFile()) walk.files.set(path, await readPart(walk, place, path));
    else throw chartError(walk.chart, `${path} is neither a file nor a folder`);
  }
}

async function readPart(walk: Walk, place: string, path: string): Promise<Uint8Array> {
  const bytes = await readBounded(place, maxFileBytes, `${path} of chart ${walk.chart}`);
  walk.bytes += bytes.byteLength;
  if (walk.bytes > maxChartBytes) throw tooLarge(`chart ${walk.chart}`, maxChartBytes);
  return bytes;
}

/** Where something of the chart really is. */
async function resolved(walk: Walk, place: string, path: string): Promise<string> {
  if (!(await onDisk(place, () => lstat(place))).isSymbolicLink()) return place;
  let real: string;
  try {
    real = await realpath(place);
  } catch (cause) {
    throw chartError(walk.chart, `${path} is a symbolic link that leads nowhere`, cause);
  }
  if (real === walk.root || real.startsWith(`${walk.root}${sep}`)) return real;
  throw chartError(walk.chart, `${path} is a symbolic link that leads out of the chart`);
}

/** A name in the chart; what not every unpacker takes is refused. */
function nameOf(bytes: Buffer, { chart }: Walk): string {
  const name = bytes.toString();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (Buffer.from(name).equals(bytes) && !/[\\\u0000-\u001f\u007f]/.test(name)) return name;
  throw chartError(chart, `${JSON.stringify(name)} is no name for a file of a chart`);
}

async function readIgnore(root: string, chart: string): Promise<IsIgnored> {
  const place = join(root, ".helmignore");
  let text = "";
  try {
    const real = await realpath(place);
    if (!real.startsWith(`${root}${sep}`)) throw chartError(chart, ".helmignore leads out of the chart");
    text = Buffer.from(await readBounded(real, maxFileBytes, `.helmignore of chart ${chart}`)).toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  try {
    return parseHelmIgnore(text);
  } catch (cause) {
    throw chartError(chart, `its .helmignore cannot be used: ${(cause as Error).message}`, cause);
  }
}

/** A regular file's bytes. Whoever swaps it for a link or a pipe meanwhile gets an error. */
async function readBounded(path: string, limitBytes: number, what: string): Promise<Uint8Array> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await onDisk(path, () => open(path, flags));
  try {
    const { size } = await file.stat();
    if (size > limitBytes) throw tooLarge(what, limitBytes);
    const bytes = Buffer.alloc(size + 1); // one more shows that it grew
    let length = 0;
    for (;;) {
      const { bytesRead } = await onDisk(path, () => file.read(bytes, length, bytes.byteLength - length, length));
      length += bytesRead;
      if (bytesRead === 0 || length === bytes.byteLength) break;
    }
    if (length !== size)
      throw new DepsError("FILE_FAILED", `cannot read ${path}: it changed while it was read`, {
        path,
        reason: "changed",
      });
    return bytes.subarray(0, size);
  } finally {
    await file.close();
  }
}

function tooLarge(item: string, limitBytes: number): DepsError<"TOO_LARGE"> {
  return new DepsError("TOO_LARGE", `cannot pack ${item}: it has more than ${limitBytes} bytes`, { item, limitBytes });
}
