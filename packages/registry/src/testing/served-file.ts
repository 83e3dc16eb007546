import { createHash } from "node:crypto";
import { parseByteRange } from "../server/byte-range.ts";
import type { Exchange } from "../server/exchange.ts";
import type { AnswerHeaders } from "../server/served-request.ts";

/** Options of a file server's `put`. */
export interface ServedFileOptions {
  /** The file's version, quotes and all; `false` for a server that tells none. @defaultValue made of the bytes */
  readonly etag?: string | false | undefined;
  /** @defaultValue "application/octet-stream" */
  readonly contentType?: string | undefined;
  /** Whether the server knows ranges; else it sends the whole file whatever is asked for. @defaultValue true */
  readonly ranges?: boolean | undefined;
  /** More headers, by lower-case name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Wanted from whoever asks, by HTTP's Basic scheme. @defaultValue anybody may ask */
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
}

const pieceBytes = 64 * 1024;

/** One file of a file server, as HTTP gives it out. */
export class ServedFile {
  readonly #bytes: Uint8Array;
  readonly #options: ServedFileOptions;
  readonly #etag: string | undefined;

  constructor(content: Uint8Array | string, options: ServedFileOptions) {
    this.#bytes = new Uint8Array(typeof content === "string" ? new TextEncoder().encode(content) : content);
    this.#options = options;
    const { etag = `"${createHash("sha256").update(this.#bytes).digest("hex").slice(0, 16)}"` } = options;
    this.#etag = etag === false ? undefined : etag;
  }

  /** Whether who asks has shown what the file wants to see. */
  admits(exchange: Exchange): boolean {
    const { credentials } = this.#options;
    if (!credentials) return true;
    const { username, password } = credentials;
    return exchange.header("authorization") === `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  }

  /** Answers a GET or HEAD. @see RFC 9110, "Conditional Requests" and "Range Requests" */
  async answer(exchange: Exchange): Promise<void> {
    const { contentType = "application/octet-stream", ranges = true, headers } = this.#options;
    const size = this.#bytes.byteLength;
    const common: AnswerHeaders = { etag: this.#etag, "accept-ranges": ranges ? "bytes" : "none", ...headers };
    if (this.#isKnown(exchange)) return await exchange.stream(304, common, () => pieces(new Uint8Array()));
    const range = ranges && this.#mayBePart(exchange) ? parseByteRange(exchange.header("range"), size) : undefined;
    if (range === "unsatisfiable") {
      return await exchange.send(416, { ...common, "content-range": `bytes */${size}` });
    }
    const { offset, length } = range ?? { offset: 0, length: size };
    const head = {
      ...common,
      "content-type": contentType,
      "content-length": length,
      "content-range": range && `bytes ${offset}-${offset + length - 1}/${size}`,
    };
    await exchange.stream(range ? 206 : 200, head, () => pieces(this.#bytes.subarray(offset, offset + length)));
  }

  #isKnown(exchange: Exchange): boolean {
    const known = exchange.header("if-none-match");
    if (known === undefined || this.#etag === undefined) return false;
    const tags = known.split(",").map((tag) => opaque(tag.trim()));
    return tags.includes("*") || tags.includes(opaque(this.#etag));
  }

  /** Ranges are for GET, and under `If-Range` for the very same bytes: a weak tag does not promise those. */
  #mayBePart(exchange: Exchange): boolean {
    const version = exchange.header("if-range");
    return exchange.method === "GET" && (version === undefined || (version === this.#etag && !isWeak(version)));
  }
}

function isWeak(etag: string): boolean {
  return etag.startsWith("W/");
}

function opaque(etag: string): string {
  return isWeak(etag) ? etag.slice(2) : etag;
}

/** In pieces: what happens to bodies happens between them. */
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
