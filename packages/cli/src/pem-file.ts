import { readFile } from "node:fs/promises";
import { fileReason } from "./file-reason.ts";
import { UsageError } from "./usage-error.ts";

/** The text of a file with certificates or a key. @throws UsageError naming the flag when it cannot be read or is no PEM */
export async function readPem(path: string, flag: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new UsageError(`${flag}: cannot read ${path}: ${fileReason(cause)}`, { cause });
  }
  if (text.includes("-----BEGIN ")) return text;
  throw new UsageError(`${flag}: ${path} is no PEM file: it has to begin with -----BEGIN`);
}
