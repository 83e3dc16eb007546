import type { ServerAuth } from "./auth/auth-options.ts";
import type { BasicCredentials } from "./auth/credentials.ts";
import type { ServedFiles } from "./files.ts";
import type { Interception, ServedRequest } from "./served-request.ts";

/** Certificates of a server, in PEM. */
export interface ServerTls {
  /** The server's certificate, with those between it and its authority. */
  readonly cert: string;
  /** The private key of {@link cert}. */
  readonly key: string;
  /** Clients have to bring a certificate of this authority. @defaultValue clients need none */
  readonly clientCa?: string | undefined;
}

/** Options of `startServer`. */
export interface ServerOptions {
  /** The address listened on. @defaultValue "127.0.0.1" */
  readonly host?: string | undefined;
  /** @defaultValue 0, a free one */
  readonly port?: number | undefined;
  /** Speaks HTTPS. @defaultValue plain HTTP */
  readonly tls?: ServerTls | undefined;
  /**
   * Where clients find it, such as `https://registry.example.com`, when that is not the address it listens on: behind
   * a proxy, for one. Named in challenges; what requests say about it is not believed.
   */
  readonly publicUrl?: string | undefined;
  /** Refuses every write. @defaultValue false; what cannot be written refuses them anyway */
  readonly readOnly?: boolean | undefined;
  /** Whether tags, manifests and blobs may be deleted. @defaultValue true, where they can be and writes are taken */
  readonly allowDelete?: boolean | undefined;
  /** Wanted from every request, by HTTP's Basic scheme: short for `auth` of that scheme. @defaultValue none wanted */
  readonly credentials?: BasicCredentials | undefined;
  /** Who is let in. @defaultValue everybody */
  readonly auth?: ServerAuth | undefined;
  /**
   * Whether a mount that names no source takes the blob from any repository the client may read. @defaultValue true,
   * where the registry can tell at once who holds a blob, as one in memory can
   */
  readonly anonymousMount?: boolean | undefined;
  /** Tags, repositories or referrers in one page of a list, at most. @defaultValue 1000 */
  readonly maxPageSize?: number | undefined;
  /** Whether referrers can be listed: registries from before distribution-spec v1.1 cannot. @defaultValue true */
  readonly referrersApi?: boolean | undefined;
  /**
   * Whether an index is refused that lists a manifest its repository does not have, as docker's registry does.
   * @defaultValue false: the spec leaves it to registries
   */
  readonly wholeIndexes?: boolean | undefined;
  /** Larger uploads are refused, in bytes. @defaultValue 64 GiB */
  readonly maxBlobBytes?: number | undefined;
  /** Smaller chunks of an upload are refused, its last excepted, in bytes. @defaultValue 0 */
  readonly minChunkBytes?: number | undefined;
  /** An upload nobody used for so long is dropped, in milliseconds. @defaultValue 3600000, an hour */
  readonly uploadExpiryMs?: number | undefined;
  /** A connection on which nothing moves for this long is closed, in milliseconds. @defaultValue 120000 */
  readonly idleTimeoutMs?: number | undefined;
  /** Served at all paths that are not the registry's own, to whoever is let in. @defaultValue nothing is */
  readonly files?: ServedFiles | undefined;
  /** Told of each request as it arrives; what it returns changes how that request is served. */
  readonly onRequest?: ((request: ServedRequest) => Interception | undefined) | undefined;
}
