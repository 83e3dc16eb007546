import { RegistryError } from "../errors.ts";

/** What a request is for, as errors and events tell it. */
export interface Operation {
  /** The host asked, with its port. */
  readonly registry: string;
  /** What it is about, such as `host/app:v1`. */
  readonly reference: string;
  /** The whole deed after "cannot": `read manifest host/app:v1`. */
  readonly what: string;
}

/** A URL as messages may show it: without user info, query and fragment. */
export function printableUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** An answer that is not of the protocol. */
export function protocolError(
  { registry, reference, what }: Operation,
  reason: string,
  cause?: unknown,
): RegistryError {
  const options = cause === undefined ? undefined : { cause };
  return new RegistryError("PROTOCOL", `cannot ${what}: ${reason}`, { registry, reference, reason }, options);
}
