import { DepsError } from "./errors.ts";

/** The largest manifest that is read unless told otherwise, in bytes. */
export const defaultMaxManifestBytes: number = 16 * 1024 * 1024;

/** How deep objects and lists of a manifest may stand in each other. */
const maxDepth = 64;

/**
 * Reads JSON that came from elsewhere: no longer than `maxBytes`, not too deep, without keys that are more than names in
 * JavaScript.
 * @param manifest what it is, for messages
 * @throws DepsError `MANIFEST_PARSE`
 */
export function readJson(bytes: Uint8Array | string, manifest: string, maxBytes: number): unknown {
  const size = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.byteLength;
  if (size > maxBytes) throw unreadable(manifest, "", `it is over ${maxBytes} bytes long`);
  let value: unknown;
  try {
    value = JSON.parse(typeof bytes === "string" ? bytes : new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw unreadable(manifest, "", cause instanceof SyntaxError ? "it is no JSON" : "it is no UTF-8", cause);
  }
  requireShape(value, manifest, 0);
  return value;
}

/** An error for a manifest that cannot be read. `path` is the key at fault, empty for the whole. */
export function unreadable(manifest: string, path: string, reason: string, cause?: unknown): DepsError {
  const place = path === "" ? "" : ` at ${path}`;
  return new DepsError(
    "MANIFEST_PARSE",
    `cannot read ${manifest}${place}: ${reason}`,
    { manifest, path, reason },
    { cause },
  );
}

/**
 * JSON as it is kept: two spaces a level, a newline at its end, the keys of objects sorted by their bytes. A `Map` is an
 * object whose keys keep their order.
 */
export function formatJson(value: unknown): string {
  return `${pretty(value, "\n")}\n`;
}

/** Compares texts by their bytes in UTF-8. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function pretty(value: unknown, newline: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${newline}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => pretty(item, inner));
    return items.length === 0 ? "[]" : `[${inner}${items.join(`,${inner}`)}${newline}]`;
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value).sort(([a], [b]) => compareBytes(a, b));
  const lines = entries.map(([key, item]) => `${JSON.stringify(key)}: ${pretty(item, inner)}`);
  return lines.length === 0 ? "{}" : `{${inner}${lines.join(`,${inner}`)}${newline}}`;
}

function requireShape(value: unknown, manifest: string, depth: number): void {
  if (typeof value !== "object" || value === null) return;
  if (depth >= maxDepth) throw unreadable(manifest, "", `it is over ${maxDepth} levels deep`);
  for (const [key, item] of Object.entries(value)) {
    if (key === "__proto__") throw unreadable(manifest, key, "no key may have this name");
    requireShape(item, manifest, depth + 1);
  }
}
