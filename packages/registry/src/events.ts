/** What a registry client tells while it works: plain JSON, the only log it has. */
export type RegistryEvent = RequestRetried | RegistrySlowed | RegistryWarned | MirrorFailed;

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

/** The registry asked for rest with `Retry-After`: no request begins for `delayMs`. Told once for each rest. */
export interface RegistrySlowed {
  readonly type: "registry.slowed";
  readonly registry: string;
  /** How long, in milliseconds. */
  readonly delayMs: number;
  /** Until when, in milliseconds since the epoch. */
  readonly untilMs: number;
}

/** The registry has something to say to its users. Told once for each text. */
export interface RegistryWarned {
  readonly type: "registry.warned";
  readonly registry: string;
  readonly message: string;
}

/** A mirror did not give what was asked of it, and the next source was asked. Told once for each mirror and code. */
export interface MirrorFailed {
  readonly type: "mirror.failed";
  /** The registry it stands in for. */
  readonly registry: string;
  /** Its place, such as `mirror.internal/hub`. */
  readonly mirror: string;
  readonly reference: string;
  /** The stable code of what failed. */
  readonly code: string;
}
