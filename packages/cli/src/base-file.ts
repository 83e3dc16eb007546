import { readFile, stat } from "node:fs/promises";
import {
  type DownloadList,
  type Inventory,
  joinInventories,
  maxInventoryLength,
  parseDownloadList,
  parseInventory,
} from "@tranship/core";
import { UsageError } from "./usage-error.ts";

/** What the files of `--base` say together, or `undefined` without any. @throws UsageError; MirrorError `INVENTORY_INVALID`, `PLAN_INVALID` */
export async function readBase(files: readonly string[]): Promise<Inventory | undefined> {
  const read = await Promise.all(files.map(async (file) => parseInventory(await readText(file, "--base"), file)));
  return read.length === 0 ? undefined : joinInventories(read);
}

/** The plan or lock file that `flag` names. @throws UsageError; MirrorError `PLAN_INVALID` */
export async function readPlan(file: string, flag: string = "--plan"): Promise<DownloadList> {
  return parseDownloadList(await readText(file, flag), file);
}

/** The text of a file, unless it is longer than any of its kind. */
async function readText(path: string, flag: string): Promise<string> {
  try {
    if ((await stat(path)).size <= maxInventoryLength) return await readFile(path, "utf8");
  } catch (cause) {
    const { code = "unknown" } = cause as NodeJS.ErrnoException;
    throw new UsageError(`${flag}: cannot read ${path}: ${code}`, { cause });
  }
  throw new UsageError(`${flag}: ${path} is longer than ${maxInventoryLength} bytes`);
}
