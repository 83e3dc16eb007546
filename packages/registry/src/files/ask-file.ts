import type { PasswordCredentials } from "../remote/auth/authenticator.ts";
import type { ResponseHead } from "../remote/exchange.ts";
import type { Operation } from "../remote/operation.ts";

/** One question to one server. */
export interface FileRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the address itself. */
  readonly credentials: PasswordCredentials | undefined;
  /** Whether the caller named this server; else a redirect did, and it is shown nothing that proves who asks. */
  readonly isNamed: boolean;
  readonly operation: Operation;
  readonly signal: AbortSignal | undefined;
}

/** An answer up to its body. */
export interface FileAnswer extends ResponseHead {
  /** The body, read once: chunks the reader owns. A failed read throws what {@link AskFile} does. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Lets go of what is left of it, and of the connection with it. */
  readonly drop: () => Promise<void>;
}

/**
 * One GET: no redirects, no judgement on the status. Resolves with the head of the answer.
 * @throws RegistryError `NETWORK`, `TIMEOUT`, `TLS`, `PROTOCOL`; `signal.reason` when aborted
 */
export type AskFile = (request: FileRequest) => Promise<FileAnswer>;
