import type { ConnectionOptions } from "node:tls";

/** Where connections lead, and how they are made. */
export interface LaneEndpoint {
  readonly host: string;
  readonly port: number;
  /** The longest time until a connection stands, in milliseconds. */
  readonly timeoutMs: number;
  /** How TLS is spoken; left out for plain HTTP. */
  readonly tls?: (() => ConnectionOptions) | undefined;
  /** Takes what makes the next TLS handshake shorter. */
  readonly keepSession?: ((session: Buffer) => void) | undefined;
}
