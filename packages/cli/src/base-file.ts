import { readFile, stat } from "node:fs/promises";
import {
  type DownloadList,
  type Inventory,
  joinInventories,
  maxInventoryLength,
  parseDownloadList,
  parseInventory,
} from "@tranship/core";
import { type Digest, digestOf } from "@tranship/registry";
import { fileReason } from "./file-reason.ts";
import { UsageError } from "./usage-error.ts";

/** What the files of `--base` say together, or `undefined` without any. @throws UsageError; MirrorError `INVENTORY_INVALID`, `PLAN_INVALID` */
export async function readBase(files: readonly string[]): Promise<Inventory | undefined> {
  const read = await Promise.all(files.map(async (file) => parseInventory(await readText(file, "--base"), file)));
  return read.length === 0 ? undefined : joinInventories(read);
}

/** A plan file's content, and the digest of the very bytes it was read from. */
export interface PlanFile {
  readonly list: DownloadList;
  readonly digest: Digest;
}

/** The plan or lock file that `flag` names. @throws UsageError; MirrorError `PLAN_INVALID` */
export async function readPlan(file: string, flag: string = "--plan"): Promise<PlanFile> {
  let bytes: Buffer | undefined = await readBytes(file, flag); // once: a pipe gives them once, and a file may be another by then
  const digest = digestOf(bytes);
  const list = parseDownloadList(() => {
    const text = bytes?.toString("utf8") ?? "";
    bytes = undefined; // a long plan is not kept twice while it is read
    return text;
  }, file);
  return { list, digest };
}

async function readText(path: string, flag: string): Promise<string> {
  return (await readBytes(path, flag)).toString("utf8");
}

/** The content of a file, unless it is longer than any of its kind. */
async function readBytes(path: string, flag: string): Promise<Buffer> {
  try {
    if ((await stat(path)).size <= maxInventoryLength) return await readFile(path);
  } catch (cause) {
    throw new UsageError(`${flag}: cannot read ${path}: ${fileReason(cause)}`, { cause });
  }
  throw new UsageError(`${flag}: ${path} is longer than ${maxInventoryLength} bytes`);
}
