import type { RegistryEvent } from "../events.ts";
import type { CredentialProvider, Credentials } from "./auth/authenticator.ts";
import type { GateLimits } from "./host-gate.ts";
import type { Mirror } from "./mirrors/mirrors.ts";
import type { HostOptions, TransportOptions } from "./transport/host-options.ts";

/** Options of `createRegistry`. */
export interface RegistryOptions extends TransportOptions {
  /** Who asks, or what finds out when the registry wants to know. @defaultValue nobody: anonymous */
  readonly credentials?: Credentials | CredentialProvider | undefined;
  /** How single hosts are reached, by `host` or `host:port`: this one, or those it leads to. */
  readonly hosts?: HostOptions | undefined;
  /**
   * Other places with the same content, asked first and in this order for manifests and blobs by digest. They get
   * credentials only of a provider, which is asked for theirs. @defaultValue none
   */
  readonly mirrors?: readonly Mirror[] | undefined;
  /** Requests at once, by kind; requests and bytes a second. */
  readonly limits?: GateLimits | undefined;
  /** The longest time without a byte, in milliseconds; `Infinity` for any. @defaultValue 60 000 */
  readonly idleTimeoutMs?: number | undefined;
  /** How often in a row one call may fail; a try that moved a blob further begins a new row. @defaultValue 5 */
  readonly attempts?: number | undefined;
  /** The pause before a request is sent again, in milliseconds; it doubles from try to try. @defaultValue 500 */
  readonly retryDelayMs?: number | undefined;
  /**
   * How long one call may wait in all because the registry answered it with `Retry-After`, in milliseconds. Asked for more,
   * it fails at once. Who waits in line behind others is sent home after as long, unless somebody was let in meanwhile.
   * @defaultValue 300 000: five minutes
   */
  readonly throttleWaitMs?: number | undefined;
  /**
   * Sends blobs in pieces of so many bytes, for proxies that take no more at once; a registry may want larger ones.
   * @defaultValue whole
   */
  readonly uploadChunkBytes?: number | undefined;
  /** Told of what happens on the way. What it throws ends the call that told it. */
  readonly onEvent?: ((event: RegistryEvent) => void) | undefined;
  /** @defaultValue `tranship` */
  readonly userAgent?: string | undefined;
}
