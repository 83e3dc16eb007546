import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { versionText } from "../version-text.ts";
import { identityOf, local, localIfAny } from "./atomic-file.ts";
import { maxIndexBytes, parseIndexFile } from "./index-file.ts";

/** The largest `oci-layout` file read, in bytes. */
const maxLayoutFileBytes = 64 * 1024;

/** A file changed this shortly before it was read may change again without a newer time stamp, in milliseconds. */
const coarseClockMs = 100;

/** What an `index.json` said, and when that holds no longer. */
export interface IndexFile {
  readonly descriptors: readonly Descriptor[];
  /** See `identityOf`; `undefined` where it proves nothing. */
  readonly identity: string | undefined;
}

/** Whether there is an `oci-layout` file. @throws MirrorError `LAYOUT_INVALID` when it is of another version or none at all */
export async function hasLayoutFile(root: string): Promise<boolean> {
  const found = await readBounded(root, "oci-layout", maxLayoutFileBytes);
  if (!found) return false;
  let version: unknown;
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(found.bytes));
    version = (json as { readonly imageLayoutVersion?: unknown } | null)?.imageLayoutVersion;
  } catch (cause) {
    throw layoutInvalid(root, "oci-layout is not JSON", cause);
  }
  if (version !== "1.0.0") throw layoutInvalid(root, `its version is ${versionText(version)}, not 1.0.0`);
  return true;
}

/** What `index.json` says; `undefined` when there is none. @throws MirrorError `LAYOUT_INVALID` */
export async function readIndexFile(root: string): Promise<IndexFile | undefined> {
  const found = await readBounded(root, "index.json", maxIndexBytes);
  if (!found) return undefined;
  try {
    return { descriptors: parseIndexFile(found.bytes), identity: found.identity };
  } catch (cause) {
    throw layoutInvalid(root, `index.json cannot be read: ${cause instanceof Error ? cause.message : ""}`, cause);
  }
}

/**
 * Whether there is something at `path`, which must be reached without any symbolic link.
 * @throws MirrorError `LAYOUT_INVALID`
 */
export async function isReal(layout: string, path: string): Promise<boolean> {
  const real = await localIfAny(path, async () => {
    try {
      return await realpath(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ELOOP") return "";
      throw error;
    }
  });
  if (real === undefined || real === path) return real !== undefined;
  throw layoutInvalid(layout, `${path} is, or lies below, a symbolic link`);
}

/** A folder that cannot be used as an image layout. */
export function layoutInvalid(layout: string, reason: string, cause?: unknown): MirrorError<"LAYOUT_INVALID"> {
  const message = `cannot use the image layout ${layout}: ${reason}`;
  return new MirrorError("LAYOUT_INVALID", message, { layout, reason }, { cause });
}

/** Opening a pipe waits for somebody who writes to it, unless told not to. Windows has no such flag and no such pipes. */
const readAtOnce = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

interface BoundedFile {
  readonly bytes: Uint8Array;
  readonly identity: string | undefined;
}

async function readBounded(root: string, name: string, maxBytes: number): Promise<BoundedFile | undefined> {
  const path = join(root, name);
  const file: FileHandle | undefined = await localIfAny(path, () => open(path, readAtOnce));
  if (!file) return undefined;
  try {
    const found = await local(path, () => file.stat({ bigint: true }));
    if (!found.isFile()) throw layoutInvalid(root, `${name} is no file`);
    if (found.size > maxBytes) throw layoutInvalid(root, `${name} is over ${maxBytes} bytes`);
    const isSettled = Date.now() - Number(found.mtimeMs) > coarseClockMs;
    return {
      bytes: await local(path, () => file.readFile()),
      identity: isSettled ? identityOf(found) : undefined,
    };
  } finally {
    await file.close();
  }
}
