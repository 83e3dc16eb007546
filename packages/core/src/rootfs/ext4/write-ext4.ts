import { randomBytes } from "node:crypto";
import { mkdtemp, open, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isRootfsError, type RootfsError } from "../errors.ts";
import type { OnRootfsEvent, RootfsStage } from "../events.ts";
import { fileError } from "../file-error.ts";
import type { LayerWorkers } from "../layers/layer-workers.ts";
import type { RootfsTree } from "../tree/rootfs-tree.ts";
import { treeTotals } from "../tree/tree-totals.ts";
import { checkImage, indexDirectories } from "./check-image.ts";
import { ext4Environment, ext4Settings, imageLink } from "./ext4-environment.ts";
import { ext4Needs } from "./ext4-needs.ts";
import { requireExt4Options } from "./ext4-options.ts";
import { fillImage } from "./fill-image.ts";
import type { ToolEnvironment } from "./find-tool.ts";
import { alignImage, flush, hashImage } from "./finish-image.ts";
import { formatImage } from "./format-image.ts";
import { imageIds } from "./image-uuid.ts";
import { withLostAndFound } from "./planned-directories.ts";
import { requireFit } from "./require-fit.ts";
import { stageTree } from "./stage-tree.ts";

/** Options of {@link writeExt4}. */
export interface WriteExt4Options {
  readonly workers: LayerWorkers;
  /** The image's size in bytes, rounded up to 2 MiB. @defaultValue as small as holds the tree */
  readonly sizeBytes?: number | undefined;
  /** The volume's name, up to 16 bytes. @defaultValue none */
  readonly label?: string | undefined;
  /** @defaultValue derived from the tree: its names, its metadata and its layers' digests */
  readonly uuid?: string | undefined;
  /** Whether a journal is made, which a guest that writes wants. @defaultValue false */
  readonly hasJournal?: boolean | undefined;
  /** Where contents lie meanwhile, in a private folder; there must be room for all of them. @defaultValue the folder of `path` */
  readonly workDirectory?: string | undefined;
  /** Variables for the programs; only `PATH` and `LD_LIBRARY_PATH` reach them. @defaultValue `process.env` */
  readonly environment?: ToolEnvironment | undefined;
  /** The image, for messages. @defaultValue "the image" */
  readonly reference?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnRootfsEvent | undefined;
}

/** A finished image. */
export interface Ext4Image {
  /** 64 hex digits. */
  readonly sha256: string;
  /** A multiple of 2 MiB; what of it is unused is a hole in the file. */
  readonly sizeBytes: number;
}

/**
 * Writes a tree as an ext4 image that depends on the tree and the options alone: not on who makes it, where, or when. No
 * privilege is needed and no loop device is used. Extended attributes that ext4 has no place for, such as those of other
 * systems, are left out with a warning. The file appears whole, in place of what was there, or not at all.
 * @param path - Of the image. Until it is done, a file beside it has a hidden name.
 * @throws RootfsError `TREE_UNFIT`, `SIZE_TOO_SMALL`, `TOOL_MISSING`, `TOOL_UNFIT`, `TOOL_FAILED`, `LAYER_INVALID`,
 * `LAYER_MISMATCH`, `FILE_FAILED`, `NO_SPACE`
 * @throws TypeError for a label or UUID that is none
 */
export async function writeExt4(tree: RootfsTree, path: string, options: WriteExt4Options): Promise<Ext4Image> {
  const { signal, sizeBytes, label, hasJournal = false } = options;
  signal?.throwIfAborted();
  requireExt4Options(options);
  const misplaced = requireFit(tree.root);
  if (misplaced > 0) {
    const message = `${misplaced} extended attributes are not in ${path}: ext4 has no place for their names`;
    options.onEvent?.({ type: "warning", warning: { code: "XATTR_NOT_KEPT", message } });
  }
  const root = withLostAndFound(tree.root);
  const needs = ext4Needs(root);
  const derived = imageIds(tree);
  const ids = options.uuid === undefined ? derived : { ...derived, uuid: options.uuid };
  const target = resolve(path);
  const parent = dirname(target);
  const image = join(parent, `.${basename(target).slice(0, 200)}.${randomBytes(6).toString("hex")}.partial`);
  const folder = await makeFolder(resolve(options.workDirectory ?? parent));
  try {
    const environment = ext4Environment(folder, options.environment);
    await atPath(folder, writeFile(join(folder, ext4Settings.name), ext4Settings.text));
    await atPath(image, (async () => await (await open(image, "wx")).close())());
    await atPath(folder, symlink(image, join(folder, imageLink)));
    const format = { folder, ids, label, hasJournal, sizeBytes, environment, signal };
    if (sizeBytes !== undefined) await formatImage(image, needs, format); // too small is known before anything is written
    await stage("write", options, async (progress) => {
      const total = treeTotals(tree.root).dataBytes;
      let done = 0;
      const onBytes = (bytes: number) => {
        done += bytes;
        progress(done, total);
      };
      await stageTree({ ...tree, root }, folder, { ...options, reference: options.reference, signal, onBytes });
    });
    await stage("format", options, async () => {
      await fillImage(image, root, needs, format);
      if (needs.hasLargeDirectories) await indexDirectories(imageLink, { cwd: folder, environment, signal });
    });
    const made = await stage("check", options, async () => {
      await checkImage(imageLink, { cwd: folder, environment, signal });
      const size = await alignImage(image);
      const sha256 = await hashImage(image, signal);
      await flush(image);
      return { sha256, sizeBytes: size };
    });
    signal?.throwIfAborted();
    await atPath(target, rename(image, target));
    await flush(parent);
    return made;
  } catch (error) {
    throw diskFull(error, target) ?? error;
  } finally {
    await rm(image, { force: true });
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a program says that could not write the image, for the image itself may be full as well. */
const diskFullWords = /No space left on device|Disk quota exceeded/;

function diskFull(error: unknown, path: string): RootfsError | undefined {
  if (!isRootfsError(error, "TOOL_FAILED") || !diskFullWords.test(error.details.output)) return undefined;
  return fileError(Object.assign(new Error(error.message, { cause: error }), { code: "ENOSPC" }), path);
}

async function makeFolder(parent: string): Promise<string> {
  return await atPath(parent, mkdtemp(join(parent, ".ext4-"))); // for its owner alone
}

async function atPath<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw fileError(error, path);
  }
}

async function stage<T>(
  name: RootfsStage,
  { onEvent }: Pick<WriteExt4Options, "onEvent">,
  work: (progress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  onEvent?.({ type: "stage.started", stage: name });
  const result = await work((done, total) =>
    onEvent?.({ type: "stage.progress", stage: name, done, total, unit: "bytes" }),
  );
  onEvent?.({ type: "stage.finished", stage: name, elapsedMs: Math.round(performance.now() - started) });
  return result;
}
