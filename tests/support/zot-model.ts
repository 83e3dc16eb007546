import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** An entry of an `index.json`, or of an index. */
export interface ZotEntry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface ZotManifest {
  readonly config?: ZotEntry;
  readonly layers?: readonly ZotEntry[];
  readonly manifests?: readonly ZotEntry[];
}

const tagKey = "org.opencontainers.image.ref.name";
const namePattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;

/**
 * What zot finds by a tag or digest in the folder of a repository: only what `index.json` itself lists. Every byte of it is
 * read; what is missing or other than it should be is thrown. Manifests below an index that are not there are passed over,
 * as zot does with indexes it holds in part.
 */
export function zotRead(folder: string, reference: string): Buffer {
  const layout: unknown = JSON.parse(readFileSync(join(folder, "oci-layout"), "utf8"));
  if ((layout as { imageLayoutVersion?: unknown }).imageLayoutVersion !== "1.0.0") throw new Error("no layout");
  const found = entriesOf(folder).find(({ digest, annotations }) =>
    [digest, annotations?.[tagKey]].includes(reference),
  );
  if (found === undefined) throw new Error(`${reference} is not listed`);
  return readEntry(folder, found);
}

/** Whether zot takes a path for the name of a repository. */
export function isZotName(path: string): boolean {
  return namePattern.test(path);
}

/**
 * Clears a repository's folder up as zot does with nothing changed in its settings, until nothing more goes: entries without a
 * tag that no index lists, then files that nothing listed leads to. Gives what went: digests.
 */
export function zotSweep(folder: string): readonly string[] {
  const gone: string[] = [];
  for (;;) {
    const before = entriesOf(folder);
    const listed = new Set(before.flatMap((entry) => childrenOf(folder, entry)));
    const kept = before.filter(({ digest, annotations }) => annotations?.[tagKey] !== undefined || listed.has(digest));
    gone.push(...before.filter((entry) => !kept.includes(entry)).map(({ digest }) => digest));
    writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: kept }));
    if (kept.length === before.length) break;
  }
  const reached = new Set(entriesOf(folder).flatMap((entry) => reachedFrom(folder, entry)));
  for (const hex of readdirSync(join(folder, "blobs", "sha256"))) {
    if (reached.has(`sha256:${hex}`)) continue;
    gone.push(`sha256:${hex}`);
    rmSync(join(folder, "blobs", "sha256", hex));
  }
  return gone;
}

function readEntry(folder: string, { digest, size }: ZotEntry): Buffer {
  const bytes = readFileSync(fileOf(folder, digest));
  if (bytes.length !== size) throw new Error(`${digest} has ${bytes.length} bytes, not ${size}`);
  if (`sha256:${createHash("sha256").update(bytes).digest("hex")}` !== digest) throw new Error(`${digest} is damaged`);
  const { config, layers = [] } = parse(bytes);
  if (config !== undefined) for (const blob of [config, ...layers]) readBlob(folder, blob);
  return bytes;
}

function readBlob(folder: string, { digest, size }: ZotEntry): void {
  const bytes = readFileSync(fileOf(folder, digest));
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (bytes.length !== size || `sha256:${actual}` !== digest) throw new Error(`${digest} is damaged`);
}

function childrenOf(folder: string, { digest }: ZotEntry): readonly string[] {
  const path = fileOf(folder, digest);
  const children = existsSync(path) ? (parse(readFileSync(path)).manifests ?? []) : [];
  return children.flatMap((child) => [child.digest, ...childrenOf(folder, child)]);
}

function reachedFrom(folder: string, entry: ZotEntry): readonly string[] {
  const path = fileOf(folder, entry.digest);
  if (!existsSync(path)) return [];
  const { config, layers = [], manifests = [] } = parse(readFileSync(path));
  const blobs = config === undefined ? [] : [config, ...layers];
  return [
    entry.digest,
    ...blobs.map(({ digest }) => digest),
    ...manifests.flatMap((child) => reachedFrom(folder, child)),
  ];
}

function entriesOf(folder: string): readonly ZotEntry[] {
  return parse(readFileSync(join(folder, "index.json"))).manifests ?? [];
}

function fileOf(folder: string, digest: string): string {
  return join(folder, "blobs", ...digest.split(":"));
}

function parse(bytes: Buffer): ZotManifest {
  return JSON.parse(bytes.toString("utf8")) as ZotManifest;
}
