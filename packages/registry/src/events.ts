/** What a registry client tells while it works: plain JSON, the only log it has. */
export type RegistryEvent = RequestRetried;

/** A request failed in a way that may pass and will be sent again after `delayMs`. */
export interface RequestRetried {
  readonly type: "request.retried";
  readonly registry: string;
  readonly reference: string;
  /** The stable code of what failed. */
  readonly code: string;
  /** How many times it has been sent by now. */
  readonly attempt: number;
  readonly delayMs: number;
}
