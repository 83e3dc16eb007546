import { Buffer } from "node:buffer";
import * as z from "zod";
import { DepsError } from "../errors.ts";
import { formatJson, readJson } from "../json.ts";

/** What the first file of every archive is called. */
export const exportFileName = "export.json";

/** The largest list of an archive's content that is read, in bytes. */
export const maxExportFileBytes: number = 64 * 1024 * 1024;

const format = "tranship.deps-export/v1";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.number().int().min(0);
const name = z.string().max(4096);

const exportFile = z.strictObject({
  format: z.literal(format),
  items: z.array(z.strictObject({ id: z.string(), version: z.string(), digest: z.string().optional() })),
  files: z.array(z.strictObject({ path: name, size, sha256 })),
  copies: z.array(z.strictObject({ path: name, of: name })),
  links: z.array(z.strictObject({ path: name, target: name })),
  mirrors: z.array(name),
  state: z.array(
    z.strictObject({
      key: z.string().startsWith("manifest/").max(1000),
      value: z.unknown().refine(canBeWritten, "holds a number that cannot be written again").optional(),
    }),
  ),
});

/** A file in an archive; `path` is its name there. */
export interface ExportedFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Hexadecimal digits. */
  readonly sha256: string;
}

/** An item in an archive, for people; nothing is decided by it. */
export interface ExportedItem {
  readonly id: string;
  readonly version: string;
  readonly digest?: string | undefined;
}

/** What an archive of a cache holds: its first file. Paths begin with `cache/`, or with `store/` for an image store beside it. */
export interface ExportFile {
  readonly items: readonly ExportedItem[];
  /** The files after this one, in their order. */
  readonly files: readonly ExportedFile[];
  /** More names of the same bytes. */
  readonly copies: readonly { readonly path: string; readonly of: string }[];
  /** Names that lead to files. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Folders that are git mirrors: whole, or not there. */
  readonly mirrors: readonly string[];
  /** What is known of the manifests. */
  readonly state: readonly { readonly key: string; readonly value?: unknown }[];
}

/** The bytes of an archive's first file. */
export function formatExportFile(content: ExportFile): Uint8Array {
  return Buffer.from(formatJson({ format, ...content }));
}

/**
 * What the first file of an archive says. Names in it are not checked yet.
 * @param archive how messages name it
 * @throws DepsError `ARCHIVE_INVALID`
 */
export function parseExportFile(bytes: Uint8Array, archive: string): ExportFile {
  let json: unknown;
  try {
    json = readJson(bytes, exportFileName, maxExportFileBytes);
  } catch (error) {
    throw invalidArchive(
      archive,
      error instanceof DepsError ? error.message : "it cannot be read",
      exportFileName,
      error,
    );
  }
  const result = exportFile.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const reason = `${issue?.path.join(".") || "it"}: ${issue?.message ?? "wrong shape"}`;
  throw invalidArchive(archive, reason, exportFileName, result.error);
}

/** Whether it can be written as it was read: JSON may say numbers that are larger than any, and zero below zero. */
function canBeWritten(value: unknown): boolean {
  const parts = [value];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    if (typeof part === "number" && (!Number.isFinite(part) || Object.is(part, -0))) return false;
    if (typeof part === "object" && part !== null) for (const inner of Object.values(part)) parts.push(inner);
  }
  return true;
}

/** The error for an archive that is damaged, or was made to do harm. */
export function invalidArchive(
  path: string,
  reason: string,
  entry?: string,
  cause?: unknown,
): DepsError<"ARCHIVE_INVALID"> {
  const what = entry === undefined ? path : `${JSON.stringify(entry.slice(0, 300))} in ${path}`;
  return new DepsError("ARCHIVE_INVALID", `cannot take over ${what}: ${reason}`, { path, reason, entry }, { cause });
}
