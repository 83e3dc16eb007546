import { defaultMaxManifestBytes, readJson, unreadable } from "../json.ts";
import type { DepsManifest } from "../manifest.ts";
import type { DepsPaths } from "./deps-paths.ts";
import { manifestFault } from "./issue-reason.ts";
import { itemsOfRow, requireOwnIds } from "./item-rows.ts";
import { manifestFormat, manifestSchema } from "./manifest-schema.ts";

/** What reading a manifest takes. */
export interface DepsManifestOptions {
  /** Where its items go. */
  readonly paths: DepsPaths;
  /** What it is, for messages, such as the name of its file. @defaultValue `the manifest` */
  readonly manifest?: string | undefined;
  /** The folder of a local manifest, which may name local files. @defaultValue none: it comes from elsewhere */
  readonly localFolder?: string | undefined;
}

/** Options of {@link parseDepsManifest}. */
export interface ParseDepsManifestOptions extends DepsManifestOptions {
  /** A longer one is not read, in bytes. @defaultValue 16 MiB */
  readonly maxBytes?: number | undefined;
}

/**
 * Reads a manifest of our own format from JSON: all of it is checked, whatever of it is wanted.
 * @throws DepsError `MANIFEST_PARSE` with the key at fault; `DIGEST_MISSING`, `DIGEST_FORMAT`, `DIGEST_ALGORITHM`,
 * `DIGEST_LENGTH`, `URL_INVALID`, `GIT_SOURCE`, `NAME_UNSAFE` with the item
 */
export function parseDepsManifest(bytes: Uint8Array | string, options: ParseDepsManifestOptions): DepsManifest {
  const { manifest = "the manifest", maxBytes = defaultMaxManifestBytes } = options;
  return depsManifestOf(readJson(bytes, manifest, maxBytes), options);
}

/**
 * The plain data of a manifest in JSON: bounded in length and depth, and not looked at further.
 * @throws DepsError `MANIFEST_PARSE`
 */
export function readManifestJson(bytes: Uint8Array | string, manifest = "the manifest"): unknown {
  return readJson(bytes, manifest, defaultMaxManifestBytes);
}

/**
 * The same of a value that was read from elsewhere, such as YAML.
 * @throws DepsError as {@link parseDepsManifest}
 */
export function depsManifestOf(value: unknown, options: DepsManifestOptions): DepsManifest {
  const { manifest = "the manifest", localFolder, paths } = options;
  requireFormat(value, manifest);
  const result = manifestSchema.safeParse(value, { reportInput: true });
  if (!result.success) throw manifestFault(result.error, manifest);
  const { name, version, items: rows } = result.data;
  const items = rows.flatMap((row, at) => itemsOfRow(row, at, { manifest, localFolder, paths }));
  requireOwnIds(items, manifest);
  return { name, version, items };
}

/** Before anything else: another format, or a later one, has other keys. */
function requireFormat(value: unknown, manifest: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unreadable(manifest, "", "it has to be keys and values");
  const { tranship } = value as { readonly tranship?: unknown };
  if (tranship === manifestFormat) return;
  const reason =
    tranship === undefined
      ? `it is missing; a manifest begins with "tranship": "${manifestFormat}"`
      : `this program reads ${manifestFormat}`;
  throw unreadable(manifest, "tranship", reason);
}
