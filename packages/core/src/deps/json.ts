import { DepsError } from "./errors.ts";

/** The largest manifest that is read unless told otherwise, in bytes. */
export const defaultMaxManifestBytes: number = 16 * 1024 * 1024;

/** How deep objects and lists of a manifest may stand in each other. */
const maxDepth = 64;

/**
 * Reads JSON that came from elsewhere: no longer than `maxBytes`, not too deep, without keys that are more than names in
 * JavaScript, and without keys that are there twice, of which each program reads another one.
 * @param manifest what it is, for messages
 * @throws DepsError `MANIFEST_PARSE`
 */
export function readJson(bytes: Uint8Array | string, manifest: string, maxBytes: number): unknown {
  const size = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.byteLength;
  if (size > maxBytes) throw unreadable(manifest, "", `it is over ${maxBytes} bytes long`);
  let text: string;
  let value: unknown;
  try {
    text = typeof bytes === "string" ? bytes : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable(manifest, "", cause instanceof SyntaxError ? "it is no JSON" : "it is no UTF-8", cause);
  }
  if (requireShape(value, manifest, 0) !== keysIn(text)) throw unreadable(manifest, "", "a key is there twice");
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

/** Gives how many keys there are in it. */
function requireShape(value: unknown, manifest: string, depth: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth >= maxDepth) throw unreadable(manifest, "", `it is over ${maxDepth} levels deep`);
  const entries = Object.entries(value);
  let keys = Array.isArray(value) ? 0 : entries.length;
  for (const [key, item] of entries) {
    if (key === "__proto__") throw unreadable(manifest, key, "no key may have this name");
    keys += requireShape(item, manifest, depth + 1);
  }
  return keys;
}

/** How many keys are written in text that is JSON: texts before a colon. */
function keysIn(json: string): number {
  const afterText = /[ \t\r\n]*(:?)/y;
  let keys = 0;
  for (let at = json.indexOf('"'); at >= 0; at = json.indexOf('"', at)) {
    let end = json.indexOf('"', at + 1);
    while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
    afterText.lastIndex = end + 1;
    if (afterText.exec(json)?.[1] === ":") keys += 1;
    at = end + 1;
  }
  return keys;
}

function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json[first - 1] === "\\") first -= 1;
  return (at - first) % 2 === 1;
}
