import type { ResponseHeaders } from "../headers.ts";

/** The head of an answer that is as plain as answers get. */
export interface PlainHead {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** How many bytes follow; `undefined` when all do until the connection ends. */
  readonly bodyBytes: number | undefined;
  /** Whether another request may follow on the connection. */
  readonly keepsAlive: boolean;
  /** How long the server keeps the connection when nobody uses it, if it says so, in milliseconds. */
  readonly keepAliveMs?: number | undefined;
}

const statusLine = /^HTTP\/1\.1 ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const headerLine =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}):[ \t]*([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?[ \t]*$/;

/** More headers than this are nothing a registry sends. */
const maxHeaders = 200;

/**
 * Reads the head of an answer to a GET: its lines, without the empty one at their end. `"interim"` for a 1xx, which another
 * head follows. `undefined` for whatever is not the plainest HTTP/1.1, such as a body in chunks: another reader is to judge that.
 * @param text one character a byte
 * @see RFC 9112, sections 4 to 6
 */
export function readPlainHead(text: string): PlainHead | "interim" | undefined {
  const lines = text.split("\r\n");
  const status = Number(statusLine.exec(lines[0] ?? "")?.[1]);
  if (Number.isNaN(status) || lines.length > maxHeaders + 1) return undefined;
  if (status === 101) return undefined;
  const headers: Record<string, string | string[]> = Object.create(null);
  for (const line of lines.slice(1)) {
    const [, name, value = ""] = headerLine.exec(line) ?? [];
    if (name === undefined) return undefined;
    const key = name.toLowerCase();
    const known = headers[key];
    if (known === undefined) headers[key] = value;
    else if (typeof known === "string") headers[key] = [known, value];
    else known.push(value);
  }
  if (status < 200) return "interim";
  if ("transfer-encoding" in headers || "trailer" in headers || "upgrade" in headers) return undefined;
  const length = headers["content-length"] ?? "";
  if (typeof length !== "string" || !/^[0-9]{0,15}$/.test(length)) return undefined;
  const isEmpty = status === 204 || status === 304;
  const bodyBytes = isEmpty ? 0 : length === "" ? undefined : Number(length);
  const connection = [headers.connection ?? ""].flat().join(",").toLowerCase();
  const keepsAlive = bodyBytes !== undefined && (connection === "" || connection === "keep-alive");
  return { status, headers, bodyBytes, keepsAlive, keepAliveMs: keepAliveOf([headers["keep-alive"] ?? ""].flat()) };
}

function keepAliveOf(texts: readonly string[]): number | undefined {
  const seconds = /(?:^|,)\s*timeout=([0-9]{1,6})\s*(?:,|$)/i.exec(texts.join(","))?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
