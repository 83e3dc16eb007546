import { type FileHandle, open, rm } from "node:fs/promises";
import { fileError } from "../../file-error.ts";
import type { PreparedSource } from "../source.ts";
import { preparedDocker } from "./prepared-docker.ts";

/** Options of {@link saveDockerImage}. */
export interface SaveDockerOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long the daemon may send nothing, in milliseconds. @defaultValue 600 000 */
  readonly idleTimeoutMs?: number | undefined;
  /** Told how many bytes of the archive have been written. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Writes the image of a source that was prepared in `docker` mode to a new file (0600), as a Docker archive: its layers with
 * all they hold, which is then read like any other image. A container that is made and exported in its place would lose
 * extended attributes, such as the capabilities of programs, and gain files that the image does not have. The bytes come over
 * one connection, or out of one program, and not through a pipe between two: it ends when the file is written, fails, is
 * aborted, or nothing comes for too long. A file that is not finished is removed.
 * @returns its size in bytes
 * @throws RootfsError `SOURCE_UNPREPARED`, `DAEMON_FAILED`, `TOOL_FAILED`, `FILE_FAILED` (also when the file is there), `NO_SPACE`
 */
export async function saveDockerImage(
  source: PreparedSource,
  file: string,
  { signal, idleTimeoutMs = 600_000, onBytes }: SaveDockerOptions = {},
): Promise<number> {
  const { daemon, id } = preparedDocker(source);
  signal?.throwIfAborted();
  const handle = await opened(file);
  let size = 0;
  const take = async (chunk: Uint8Array) => {
    try {
      await handle.writeFile(chunk);
    } catch (error) {
      throw fileError(error, file);
    }
    size += chunk.byteLength;
    onBytes?.(size);
  };
  try {
    await daemon.save(id, take, { idleTimeoutMs, signal });
    signal?.throwIfAborted();
    await handle.close();
    return size;
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(file, { force: true });
    throw error;
  }
}

async function opened(file: string): Promise<FileHandle> {
  try {
    return await open(file, "wx", 0o600);
  } catch (error) {
    throw fileError(error, file);
  }
}
