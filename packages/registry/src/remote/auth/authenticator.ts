import type { Challenge } from "./challenge.ts";

/** A user name and its password, or a token in the password's place. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What a request needs leave for. */
export interface AccessRequest {
  /** Scopes in the words of token servers, such as `repository:app:pull`; none for what needs no leave in particular. */
  readonly scopes: readonly string[];
}

/** A request that was answered with 401. */
export interface Refusal extends AccessRequest {
  /** What the registry wants. */
  readonly challenges: readonly Challenge[];
  /** The `Authorization` header it was sent with. */
  readonly sent: string | undefined;
}

/** What an {@link Authenticator} makes of a 401. */
export interface ChallengeAnswer {
  /** Another try, with what {@link Authenticator.authorization} gives then, is worth it. */
  readonly tryAgain: boolean;
  /** Why there is no hope, for people. */
  readonly hint?: string;
}

/** Proves to one registry who asks. It is asked for requests to the registry's own origin only. */
export interface Authenticator {
  /** The `Authorization` header of the next request; `undefined` for none. */
  authorization(request: AccessRequest, signal?: AbortSignal): Promise<string | undefined>;
  /** Told of a 401 and of what the registry wants; makes ready what the next try needs. */
  challenged(refusal: Refusal, signal?: AbortSignal): Promise<ChallengeAnswer>;
}
