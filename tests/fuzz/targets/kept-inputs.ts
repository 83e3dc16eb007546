import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { FuzzTarget } from "./target.ts";

/** Where kept inputs lie, in a folder for each target. */
const corpusFolder = fileURLToPath(new URL("../corpus", import.meta.url));

/**
 * The kept inputs of a target: small real ones, and every one that ever found a fault. A file is one input; of `*.lines` each
 * line is one, of `found.json` each text.
 */
export function keptInputs({ name, alphabet }: FuzzTarget): readonly string[] {
  const folder = `${corpusFolder}/${name}`;
  return readdirSync(folder)
    .sort()
    .flatMap((file) => {
      const bytes = readFileSync(`${folder}/${file}`);
      if (file === "found.json") return JSON.parse(bytes.toString()) as readonly string[];
      const text = bytes.toString(alphabet === "bytes" ? "latin1" : "utf8");
      return file.endsWith(".lines") ? text.split("\n").filter((line) => line !== "") : [text];
    });
}
