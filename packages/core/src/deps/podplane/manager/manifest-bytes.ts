import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestAlgorithm, digestHex, digestOf } from "@tranship/registry";
import * as z from "zod";
import { DepsError } from "../../errors.ts";
import { onDiskIfAny } from "../../file-error.ts";
import { defaultMaxManifestBytes, unreadable } from "../../json.ts";

/** What is known of a manifest that was fetched. Its bytes are kept by their digest. */
export interface FetchRecord {
  readonly digest: string;
  /** Without user info and query. */
  readonly url: string;
  /** As it says itself, or the last before it that said one others can be older than. */
  readonly version?: string | undefined;
  readonly etag?: string | undefined;
  /** In base64. */
  readonly signature?: string | undefined;
  /** As ISO 8601 writes it. */
  readonly fetchedAt: string;
}

const fetchRecord = z.object({
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$|^sha512:[0-9a-f]{128}$/),
  url: z.string(),
  version: z.string().optional(),
  etag: z.string().optional(),
  signature: z.string().optional(),
  fetchedAt: z.string(),
});

/** A record out of a cache's state; `undefined` for what is none. */
export function parseFetchRecord(value: unknown): (FetchRecord & { readonly digest: Digest }) | undefined {
  const { data } = fetchRecord.safeParse(value);
  return data && { ...data, digest: data.digest as Digest };
}

/** Where the bytes of a manifest are kept as they were published, by their digest. */
export function keptPath(workFolder: string, digest: Digest): string {
  return join(workFolder, "manifests", digestAlgorithm(digest), `${digestHex(digest)}.json`);
}

/** The bytes of a manifest as they were published; `undefined` where they are not kept, or are others. */
export async function readKept(workFolder: string, digest: Digest): Promise<Uint8Array | undefined> {
  const path = keptPath(workFolder, digest);
  const found = await readIfAny(path, path).catch(() => undefined); // it is fetched again then
  return found !== undefined && digestOf(found.bytes, digestAlgorithm(digest)) === digest ? found.bytes : undefined;
}

/** A file that was read. */
export interface ReadFile {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/**
 * A manifest's file; `undefined` where there is none.
 * @param name what it is, for messages
 * @throws DepsError `MANIFEST_PARSE` for one that is too long or no file, `FILE_FAILED`
 */
export function readIfAny(path: string, name: string): Promise<ReadFile | undefined> {
  return onDiskIfAny(path, async () => {
    const found = await stat(path);
    if (!found.isFile()) throw unreadable(name, "", "it is no file");
    if (found.size > defaultMaxManifestBytes)
      throw unreadable(name, "", `it is over ${defaultMaxManifestBytes} bytes long`);
    return { bytes: await readFile(path), modifiedMs: found.mtimeMs };
  });
}

/**
 * A manifest's file that somebody named.
 * @throws DepsError `FILE_FAILED`, `MANIFEST_PARSE`
 */
export async function readNamed(path: string, name: string): Promise<Uint8Array> {
  const found = await readIfAny(path, name);
  if (found !== undefined) return found.bytes;
  const reason = "there is no such file";
  throw new DepsError("FILE_FAILED", `cannot read ${name} from ${path}: ${reason}`, { path, reason });
}
