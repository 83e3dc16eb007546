import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname } from "node:path";
import { byteStringOf } from "../../../layer-archive/byte-string.ts";
import { RootfsError } from "../../errors.ts";
import type { OnRootfsEvent } from "../../events.ts";
import { atFile, fileError } from "../../file-error.ts";
import type { LayerWorkers } from "../../layers/layer-workers.ts";
import type { RootfsTree } from "../../tree/rootfs-tree.ts";
import { writeContents } from "../write-contents.ts";
import { writeLayout } from "./write-layout.ts";

/** Options of {@link writeTar}. */
export interface WriteTarOptions {
  readonly workers: LayerWorkers;
  /** Whether a file that is there is replaced. @defaultValue false */
  readonly replace?: boolean | undefined;
  /** The image, for messages. @defaultValue "the image" */
  readonly reference?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnRootfsEvent | undefined;
}

/** What was written. */
export interface WrittenTar {
  readonly sizeBytes: number;
  /** Entries of the archive, hard links among them. */
  readonly entries: number;
}

/**
 * Writes a tree as one tar archive whose bytes depend on the tree alone: names bytewise, a directory before what is in it,
 * the root as `./`, hard links to the first name. Nothing of it is lost: the exact times, owners, modes, devices, extended
 * attributes and holes. Every byte is written once, where it stays, under another name until all of them are on the device.
 * @throws RootfsError `OUTPUT_EXISTS`, `LAYER_INVALID`, `LAYER_MISMATCH`, `FILE_FAILED`, `NO_SPACE`
 * @see POSIX.1-2024, pax, "ustar Interchange Format" and "pax Extended Header"
 */
export async function writeTar(
  tree: RootfsTree,
  path: string,
  { workers, replace = false, reference, signal, onEvent }: WriteTarOptions,
): Promise<WrittenTar> {
  signal?.throwIfAborted();
  const temporary = `${path}.${process.pid}-${Math.random().toString(36).slice(2, 10)}.tmp`;
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  const descriptor = atFile(path, () => openSync(temporary, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0o666));
  try {
    onEvent?.({ type: "stage.started", stage: "write" });
    const startedMs = performance.now();
    const layout = await writeLayout(tree.root, descriptor, { path: byteStringOf(temporary), signal });
    atFile(temporary, () => ftruncateSync(descriptor, layout.sizeBytes)); // padding and the end are zeros
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      onEvent?.({ type: "stage.progress", stage: "write", done, total: layout.dataBytes, unit: "bytes" });
    };
    await writeContents(tree, layout.targets, { workers, reference, signal, onBytes });
    atFile(temporary, () => fsyncSync(descriptor));
    onEvent?.({ type: "stage.finished", stage: "write", elapsedMs: Math.round(performance.now() - startedMs) });
    signal?.throwIfAborted();
    publish(temporary, path, replace);
    return { sizeBytes: layout.sizeBytes, entries: layout.entries };
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function publish(temporary: string, path: string, replace: boolean): void {
  try {
    if (replace) renameSync(temporary, path);
    else putWhereNothingIs(temporary, path);
    const folder = openSync(dirname(path), "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw fileError(error, path);
    throw new RootfsError("OUTPUT_EXISTS", `cannot write ${path}: it is there already`, { path }, { cause: error });
  }
}

/** A link never replaces what is there; file systems without links, such as those of memory sticks, have a rename only. */
function putWhereNothingIs(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code)) throw error;
    if (lstatSync(path, { throwIfNoEntry: false })) throw Object.assign(new Error("it is there"), { code: "EEXIST" });
    renameSync(temporary, path);
    return;
  }
  rmSync(temporary);
}
