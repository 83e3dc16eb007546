import { readFile, rm } from "node:fs/promises";
import { z } from "zod";

/** What stands beside a kept layer, in a file of its name and this ending. */
export const metaSuffix = ".meta.json";

/** How the name of a file begins that is being written. */
export const temporaryPrefix = ".tmp-";

const metaSchema = z.object({ digest: z.string(), size: z.number(), lastAccess: z.iso.datetime() });

/** What is known of a kept layer. */
export interface LayerMeta {
  readonly digest: string;
  readonly size: number;
  /** In ISO 8601. */
  readonly lastAccess: string;
}

/** What stands beside a kept layer; `undefined` when there is nothing, or nothing that can be read. */
export async function readMeta(kept: string): Promise<LayerMeta | undefined> {
  try {
    return metaSchema.parse(JSON.parse(await readFile(kept + metaSuffix, "utf8")));
  } catch {
    return undefined;
  }
}

/** Takes a kept layer away, and what stands beside it. */
export async function removeLayer(kept: string): Promise<void> {
  await rm(kept, { force: true });
  await rm(kept + metaSuffix, { force: true });
}
