import type { CallOptions } from "../repository.ts";

/** Reads files of web servers. One exchange a call: nothing is tried again. */
export interface FileFetcher {
  /**
   * Asks for a file, or for the rest of it. Up to ten redirects are followed, but never from `https` to `http`, nor from the
   * open Internet into private networks. The bytes are those the server stores: no content coding is asked for or undone.
   * User info in the address is shown to its own server alone, by HTTP's Basic scheme, and appears in no message.
   * @throws RegistryError `NOT_FOUND` (404 and 410), `UNAUTHORIZED`, `FORBIDDEN`, `RATE_LIMITED`, `SERVER_ERROR` and so on for
   *   answers without the file; `NETWORK`, `TIMEOUT`, `TLS`; `PROTOCOL` for a range that lies, a coded body or a redirect that
   *   is not followed; `INVALID_REFERENCE` for what is no address of http or https
   * @throws TypeError or RangeError for a version or an offset that is none
   */
  fetch(url: string, options?: FetchFileOptions): Promise<FetchedFile>;
}

/** Options of {@link FileFetcher.fetch}. */
export interface FetchFileOptions extends CallOptions {
  /** Asks for the bytes from here on. Servers may send the whole file anyway. @defaultValue 0: for all */
  readonly offset?: number | undefined;
  /**
   * With an offset: asks for the rest only if the file is still this version, else for all of it. A weak version (`W/…`)
   * does not promise the same bytes: with one, all is asked for.
   */
  readonly ifRange?: string | undefined;
  /** Asks for the file only if it is another than this version. */
  readonly ifNoneMatch?: string | undefined;
  /** Called with every address before it is asked, redirects too; what it throws ends the call. */
  readonly onAddress?: ((url: URL) => void) | undefined;
}

/** An answer with the file, with the rest of it, or with nothing new. */
export interface FetchedFile {
  /** `whole`; `rest` from `offset` on; `unchanged` since `ifNoneMatch`; `beyond`: the file ends at or before the offset. */
  readonly outcome: "whole" | "rest" | "unchanged" | "beyond";
  /** Where it was in the end. */
  readonly url: string;
  /** The whole file's size in bytes, if the server says it. */
  readonly size?: number | undefined;
  /** The version of the file, quotes and all. */
  readonly etag?: string | undefined;
  /**
   * Chunks the caller owns; read it once. Leaving the loop early, or disposing, drops the connection.
   * @throws RegistryError `NETWORK`, `TIMEOUT`, `PROTOCOL`
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Drops a body that is not read. */
  [Symbol.asyncDispose](): Promise<void>;
}
