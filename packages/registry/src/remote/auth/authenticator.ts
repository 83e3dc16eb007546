import type { CallOptions } from "../../repository.ts";
import type { Challenge } from "./challenge.ts";

/** A user name and its password, or a personal access token in the password's place. */
export interface PasswordCredentials {
  /** Without a colon, which HTTP's Basic scheme cannot carry. */
  readonly username: string;
  readonly password: string;
}

/** An OAuth2 refresh token, as `docker login` stores it where a token server hands one out. */
export interface IdentityTokenCredentials {
  readonly identityToken: string;
  /** Whose it is, if known; not sent anywhere. */
  readonly username?: string | undefined;
}

/** A bearer token that is ready for the registry (docker's `registrytoken`). It is never renewed. */
export interface AccessTokenCredentials {
  readonly accessToken: string;
}

/** Who asks. */
export type Credentials = PasswordCredentials | IdentityTokenCredentials | AccessTokenCredentials;

/** What credentials are wanted for. */
export interface CredentialRequest {
  /** The registry as the user wrote it, such as `docker.io` or `registry.example.com:5000`. */
  readonly host: string;
  /** The whole path of the repository on that host; absent for what concerns no repository. */
  readonly repository?: string | undefined;
}

/**
 * Finds credentials when they are wanted; `undefined` for none: ask as nobody. It is asked once for each repository, and
 * again when what it gave was refused. What it throws fails the call that needed the credentials.
 */
export type CredentialProvider = (request: CredentialRequest, options: CallOptions) => Promise<Credentials | undefined>;

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
