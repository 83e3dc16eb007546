import type { RootfsLimits } from "@tranship/core/rootfs";
import { UsageError } from "../usage-error.ts";
import { parseByteSize } from "./byte-size.ts";

type LimitName = keyof RootfsLimits;

/** What each ceiling is called on the command line. */
const names: Readonly<Record<LimitName, string>> = {
  maxLayers: "layers",
  maxEntries: "entries",
  maxUnpackedBytes: "unpacked-bytes",
  maxFileBytes: "file-bytes",
  maxRatio: "ratio",
  maxDepth: "depth",
  maxPathBytes: "path-bytes",
  maxMetadataBytes: "metadata-bytes",
};

/** The ceiling of the library's name as `--limit` has it; `undefined` for a name that is none of its. */
export function limitFlagName(limit: string): string | undefined {
  return (names as { readonly [name: string]: string })[limit];
}

/** The ceilings that `--limit` says. @throws UsageError */
export function parseLimits(texts: readonly string[]): Partial<RootfsLimits> {
  return Object.fromEntries(texts.map(parseLimit));
}

function parseLimit(text: string): readonly [string, number] {
  const [name = "", value = ""] = text.split(/=(.*)/s);
  const limit = Object.entries(names).find(([, one]) => one === name)?.[0];
  if (limit === undefined || value === "")
    throw new UsageError(`--limit ${text}: write it as NAME=VALUE; the names are ${Object.values(names).join(", ")}`);
  if (name.endsWith("-bytes")) return [limit, parseByteSize(value, `--limit ${name}=`)];
  if (/^[1-9][0-9]{0,12}$/.test(value)) return [limit, Number(value)];
  throw new UsageError(`--limit ${text}: write the value as a whole number from 1 on`);
}
