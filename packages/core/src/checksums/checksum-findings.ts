import { closeSync, openSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";
import { locally } from "../bundle/disk/local-error.ts";
import { isMirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import type { VerifyFinding } from "../transfer/verify-report.ts";
import { DigestThread } from "./digest-thread.ts";
import { type ChecksumKind, checksumKinds, maxSidecarBytes, parseSidecar, sidecarName } from "./sidecar.ts";

/** Options of {@link checksumFindings}. */
export interface ChecksumFindingsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnEvent | undefined;
}

/** A file that belongs to an archive: the archive itself, or one of its chunks. */
export interface ArchivePath {
  readonly archive: string;
  readonly path: string;
}

/**
 * Where files of archives are not what the checksums beside them say. A file without a sidecar is not read; one with
 * both is read once. A sidecar that says nothing is a finding, too.
 */
export async function* checksumFindings(
  files: Iterable<ArchivePath>,
  { signal, onEvent }: ChecksumFindingsOptions = {},
): AsyncGenerator<VerifyFinding> {
  await using thread = new DigestThread();
  for (const { archive, path } of files) {
    signal?.throwIfAborted();
    const file = basename(path);
    const where = { archive, ...(file === archive ? {} : { files: [file] }) };
    const expected = new Map<ChecksumKind, string>();
    for (const kind of checksumKinds) {
      const text = readSidecar(sidecarName(path, kind));
      if (text === undefined) continue;
      const hex = parseSidecar(text, file);
      if (hex !== undefined) expected.set(kind, hex);
      else {
        const message = `${sidecarName(file, kind)} holds no checksum of ${file}`;
        yield { code: "CHECKSUM_INVALID", message, ...where, entry: sidecarName(file, kind) };
      }
    }
    if (expected.size === 0) continue;
    const startedMs = performance.now();
    const kinds = [...expected.keys()];
    const size = locally(path, () => statSync(path).size);
    onEvent?.({ type: "checksum.started", file, size });
    const onBytes = (bytes: number) => onEvent?.({ type: "checksum.progress", file, bytes });
    try {
      for (const [kind, actual] of await thread.digest(path, kinds, { signal, onBytes })) {
        const wanted = expected.get(kind);
        if (actual === wanted) continue;
        const message = `${file} hashes to ${actual}, ${sidecarName(file, kind)} says ${wanted}`;
        yield { code: "CHECKSUM_MISMATCH", message, ...where, entry: sidecarName(file, kind) };
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!isMirrorError(error)) throw error;
      yield { code: error.code, message: error.message, ...where };
    }
    const elapsedMs = Math.round(performance.now() - startedMs);
    onEvent?.({ type: "checksum.finished", file, size, kinds, elapsedMs });
  }
}

/** The text of a sidecar, at most {@link maxSidecarBytes} of it; `undefined` when there is none, nothing when it cannot be read. */
function readSidecar(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : "";
  }
  try {
    const bytes = Buffer.alloc(maxSidecarBytes);
    return bytes.toString("latin1", 0, readSync(descriptor, bytes, 0, bytes.byteLength, 0));
  } catch {
    return ""; // such as a folder of that name
  } finally {
    closeSync(descriptor);
  }
}
