/** What a sidecar file holds: SHA-256, or GOST R 34.11-2012 ("Streebog") with 256 bits. */
export type ChecksumKind = "sha256" | "gost";

/** Every {@link ChecksumKind}. */
export const checksumKinds: readonly ChecksumKind[] = ["sha256", "gost"];

const extensions: { readonly [Kind in ChecksumKind]: string } = { sha256: ".sha256", gost: ".gostsum" };

/** A sidecar is one line; what is longer is none. In bytes. */
export const maxSidecarBytes: number = 4096;

/** The name of the file beside `file` that holds its checksum: `package-console.tar.sha256`, `package-console.tar.gostsum`. */
export function sidecarName(file: string, kind: ChecksumKind): string {
  return file + extensions[kind];
}

/** Which file a sidecar is beside, and what it holds; `undefined` when the name is no sidecar's. */
export function parseSidecarName(name: string): { readonly file: string; readonly kind: ChecksumKind } | undefined {
  const kind = checksumKinds.find((one) => name.endsWith(extensions[one]) && name.length > extensions[one].length);
  return kind && { file: name.slice(0, -extensions[kind].length), kind };
}

/**
 * The text of a sidecar: a line that `sha256sum -c` reads, or the 64 digits alone, without a line end, as other tools of
 * this bundle format write a `.gostsum`.
 */
export function formatSidecar(kind: ChecksumKind, hex: string, file: string): string {
  return kind === "gost" ? hex : `${hex}  ${file}\n`;
}

/**
 * The digits a sidecar's text holds for `file`; `undefined` when it is malformed or names another file. Reads what
 * `sha256sum` and `gost12sum` print, too.
 */
export function parseSidecar(text: string, file: string): string | undefined {
  const [, digits, named] = /^([0-9a-fA-F]{64})(?:[ \t]+\*?([^\r\n]+))?\r?\n?$/.exec(text) ?? [];
  if (digits === undefined || (named !== undefined && named.replace(/^\.\//, "") !== file)) return undefined;
  return digits.toLowerCase();
}
