import { createHash } from "node:crypto";
import { RootfsError } from "../errors.ts";

/**
 * Whether `id` can name an artifact, and so a folder: a letter or digit, then at most 127 letters, digits, `.`, `_` and `-`,
 * without two dots in a row.
 */
export function validArtifactId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id) && !id.includes("..");
}

/** @throws RootfsError `ARTIFACT_ID_INVALID` */
export function requireArtifactId(id: string): void {
  if (validArtifactId(id)) return;
  const message = `not an artifact id: ${JSON.stringify(id.slice(0, 200))}`;
  throw new RootfsError("ARTIFACT_ID_INVALID", message, { id: id.slice(0, 200) });
}

/** What an artifact is made of, as plain JSON; a field that is `undefined` is as good as absent. */
export type FingerprintParts = Readonly<Record<string, unknown>>;

/**
 * What an artifact is known by: the same parts, in whatever order, give the same 64 lower-case hexadecimal digits.
 * @throws TypeError for parts that are no plain JSON, which could be told apart from others
 */
export function artifactFingerprint(parts: FingerprintParts): string {
  return createHash("sha256").update(canonicalJson(parts)).digest("hex");
}

/** The id an artifact has unless its maker gives it another. */
export function artifactIdOf(fingerprint: string): string {
  return `rfs-${fingerprint.slice(0, 24)}`;
}

/** JSON with sorted keys and no blanks. */
function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "string" || typeof value === "boolean") return JSON.stringify(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join()}]`;
  const prototype: unknown = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError(`not plain JSON: ${String(value)}`);
  const members = Object.entries(value as object)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join()}}`;
}
