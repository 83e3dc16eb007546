import { constants, type Stats } from "node:fs";
import { access, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileReason } from "./file-reason.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Makes sure, before the work, that the file `flag` names can be written; `-` and no name at all are none. Makes nothing.
 * @throws UsageError
 */
export async function requireOutputFile(flag: string, path: string | undefined): Promise<void> {
  if (path === undefined || path === "-") return;
  try {
    const found = await stat(path).catch(ifMissing);
    if (found?.isDirectory()) throw new UsageError(`${flag}: cannot write ${path}: it is a folder`);
    await access(found ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw error instanceof UsageError ? error : cannotWrite(flag, path, error);
  }
}

/**
 * Makes sure, before the work, that the folder `flag` names something in is there and can be written. Gives what has that
 * name already, `undefined` for nothing. @throws UsageError
 */
export async function requireOutputPlace(flag: string, path: string): Promise<Stats | undefined> {
  try {
    await access(dirname(resolve(path)), constants.W_OK);
    return await stat(path).catch(ifMissing);
  } catch (error) {
    throw cannotWrite(flag, path, error);
  }
}

/** Writes what came of the work; a long text comes in pieces. @throws Error with the flag and the file */
export async function writeOutputFile(flag: string, path: string, text: string | Iterable<string>): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = `${flag}: cannot write ${path}: ${fileReason(error)}`;
    throw Object.assign(new Error(message, { cause: error }), { code });
  }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

function cannotWrite(flag: string, path: string, cause: unknown): UsageError {
  return new UsageError(`${flag}: cannot write ${path}: ${fileReason(cause)}`, { cause });
}
