import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Rootfs } from "@tranship/core/rootfs";
import type { CliContext } from "../context.ts";
import type { RootfsOutput } from "./rootfs-output.ts";

/** What was written; which of it there is depends on the kind of output. */
export interface WrittenRootfs {
  /** Of a file, in bytes. */
  readonly sizeBytes?: number;
  /** Of a file, 64 hex digits. */
  readonly sha256?: string;
  /** Entries of a directory that lack an owner, a device or an attribute. */
  readonly unapplied?: number;
  /** Where it is written what they lack; absent when they lack nothing. */
  readonly sidecar?: string;
}

/** Writes a root file system as it is wanted, but for standard output. @throws RootfsError */
export async function writeOutput(rootfs: Rootfs, output: RootfsOutput, context: CliContext): Promise<WrittenRootfs> {
  return await writers[output.format](rootfs, output, context);
}

const writers = {
  dir: async (rootfs: Rootfs, { path, replace }: RootfsOutput, { signal }: CliContext): Promise<WrittenRootfs> => {
    const { unapplied, sidecar } = await rootfs.writeDirectory(path, { replace, signal });
    return { unapplied, ...(sidecar === undefined ? {} : { sidecar }) };
  },
  tar: async (rootfs: Rootfs, { path, replace }: RootfsOutput, context: CliContext): Promise<WrittenRootfs> => {
    const { sizeBytes } = await rootfs.writeTar(path, { replace, signal: context.signal });
    return { sizeBytes, sha256: await hashed(path, context) };
  },
  ext4: async (rootfs: Rootfs, output: RootfsOutput, { signal, environment }: CliContext): Promise<WrittenRootfs> => {
    const { path, sizeBytes, hasJournal } = output;
    return { ...(await rootfs.writeExt4(path, { sizeBytes, hasJournal, environment, signal })) };
  },
};

/**
 * Writes a root file system into an archive for standard output: its bytes are written where they belong, in any order, and go
 * out when all are there. The file has no name by then, for whoever reads us may end us at any time. Who gets it closes it.
 * @throws RootfsError
 */
export async function writeNameless(rootfs: Rootfs, signal: AbortSignal): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "tranship-rootfs-"));
  try {
    const path = join(folder, "rootfs.tar");
    await rootfs.writeTar(path, { signal });
    return await open(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Sends an archive to standard output, and closes it. */
export async function sendOut(file: FileHandle, { output, signal }: CliContext): Promise<WrittenRootfs> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of file.createReadStream({ highWaterMark: 1024 ** 2, signal })) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    await output.bytes(chunk);
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}

async function hashed(path: string, { signal, onEvent }: CliContext): Promise<string> {
  const startedMs = performance.now();
  onEvent({ type: "stage.started", stage: "check" });
  const { size: total } = await stat(path);
  const hash = createHash("sha256");
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2, signal })) {
    hash.update(chunk);
    done += chunk.length;
    if (done === total || done % (64 * 1024 ** 2) === 0)
      onEvent({ type: "stage.progress", stage: "check", done, total, unit: "bytes" });
  }
  onEvent({ type: "stage.finished", stage: "check", elapsedMs: Math.round(performance.now() - startedMs) });
  return hash.digest("hex");
}
