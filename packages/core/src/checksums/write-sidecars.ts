import { existsSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { locally } from "../bundle/local-error.ts";
import { syncFolder } from "../bundle/sync-folder.ts";
import { writeWhole } from "../bundle/write-whole.ts";
import type { OnEvent } from "../events.ts";
import { Pool } from "../transfer/pool.ts";
import { digestFile } from "./file-digests.ts";
import { type ChecksumKind, formatSidecar, sidecarName } from "./sidecar.ts";

/** Options of {@link writeSidecars}. */
export interface WriteSidecarsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnEvent | undefined;
}

/** Files hashed at a time: each takes a processor. */
export const hashedAtATime: number = Math.max(1, Math.min(4, availableParallelism()));

/**
 * Writes the checksums of these files of `folder` beside them. A sidecar that is there already stays, and its file is
 * not read for it: whoever changes a file removes its sidecars. Each file is read once, whatever is asked for.
 * @throws MirrorError `FILE_FAILED`, `NO_SPACE`
 */
export async function writeSidecars(
  folder: string,
  files: readonly string[],
  kinds: readonly ChecksumKind[],
  { signal, onEvent }: WriteSidecarsOptions = {},
): Promise<void> {
  const stop = new AbortController();
  const ending = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const pool = new Pool(hashedAtATime);
  const hash = async (file: string) => {
    const lacking = [...new Set(kinds)].filter((kind) => !existsSync(join(folder, sidecarName(file, kind))));
    if (lacking.length === 0) return;
    try {
      await writeThose(folder, file, lacking, { signal: ending, onEvent });
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const results = await Promise.allSettled(files.map((file) => pool.run(() => hash(file), ending)));
  ending.throwIfAborted();
  for (const result of results) if (result.status === "rejected") throw result.reason;
  if (files.length > 0) syncFolder(folder);
}

async function writeThose(
  folder: string,
  file: string,
  kinds: readonly ChecksumKind[],
  { signal, onEvent }: WriteSidecarsOptions,
): Promise<void> {
  const path = join(folder, file);
  const startedMs = performance.now();
  const size = locally(path, () => statSync(path).size);
  onEvent?.({ type: "checksum.started", file, size });
  const onBytes = (bytes: number) => onEvent?.({ type: "checksum.progress", file, bytes });
  const digests = await digestFile(path, kinds, { signal, onBytes });
  for (const [kind, hex] of digests) {
    const sidecar = join(folder, sidecarName(file, kind));
    locally(sidecar, () => writeWhole(sidecar, formatSidecar(kind, hex, file), 0o644));
  }
  onEvent?.({ type: "checksum.finished", file, size, kinds, elapsedMs: Math.round(performance.now() - startedMs) });
}
