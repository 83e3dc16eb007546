import type { Challenge } from "./challenge.ts";

/** A user name and its password, or a token in the password's place. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
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
  authorization(signal?: AbortSignal): Promise<string | undefined>;
  /** Told of a 401 and of what the registry wants. */
  challenged(challenges: readonly Challenge[], signal?: AbortSignal): Promise<ChallengeAnswer>;
}
