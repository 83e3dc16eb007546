import { LruMap } from "../lru-map.ts";
import type {
  AccessRequest,
  Authenticator,
  ChallengeAnswer,
  CredentialProvider,
  Credentials,
  Refusal,
} from "./authenticator.ts";
import { basicHeader } from "./basic.ts";
import { type BearerParts, BearerTokens, type Proof } from "./bearer.ts";
import type { Challenge } from "./challenge.ts";
import { type CredentialSource, credentialSource } from "./credential-source.ts";
import type { Identity } from "./identity.ts";
import { introduce } from "./introduction.ts";
import { chooseScheme, type Scheme } from "./scheme.ts";
import { repositoryOf, scopeSet } from "./scope.ts";
import { SingleFlight } from "./single-flight.ts";
import type { TokenWire } from "./token-exchange.ts";

/** What an authenticator is made of. */
export interface AuthenticatorParts extends TokenWire {
  /** The registry as the user wrote it, such as `docker.io`. */
  readonly host: string;
  /** Where its API is. */
  readonly origin: URL;
  /** @defaultValue nobody: anonymous */
  readonly credentials?: Credentials | CredentialProvider | undefined;
  /** A clock that never goes back, in milliseconds. @defaultValue `performance.now` */
  readonly now?: (() => number) | undefined;
}

/** Repositories remembered with the way their challenges want. */
const maxRepositories = 1000;

/**
 * Proves who asks in the way the registry wants: it learns the scheme from the first challenge, before which nothing is
 * sent and for which it asks when there are credentials, then sends a password or fetches bearer tokens ahead. Token
 * requests take no permit of the host's gate.
 * @throws RegistryError `CREDENTIALS_UNUSABLE` when the credentials cannot be sent; later calls also throw what a
 * provider or the way to a token server throws
 */
export function createAuthenticator(parts: AuthenticatorParts): Authenticator {
  const { host, origin, credentials, now = () => performance.now() } = parts;
  const { dispatcher, idleTimeoutMs, userAgent } = parts;
  const bearer = { host, now, dispatcher, idleTimeoutMs, userAgent };
  return new LearningAuthenticator(origin, credentialSource(host, credentials), bearer);
}

class LearningAuthenticator implements Authenticator {
  readonly #origin: URL;
  readonly #source: CredentialSource;
  readonly #tokens: BearerTokens;
  readonly #host: string;
  readonly #wire: TokenWire;
  readonly #introductions = new SingleFlight<void>();
  #isIntroduced = false;
  /** By repository: hosts that are several registries in one name a token server for each, and all are asked at once. */
  readonly #schemes = new LruMap<Scheme>(maxRepositories);
  /** What was learned last: most likely what a repository wants that has not said so. */
  #latest: Scheme | undefined;

  constructor(origin: URL, source: CredentialSource, bearer: BearerParts) {
    this.#origin = origin;
    this.#host = bearer.host;
    this.#wire = bearer;
    this.#source = source;
    this.#tokens = new BearerTokens(bearer);
  }

  async authorization({ scopes }: AccessRequest, signal?: AbortSignal): Promise<string | undefined> {
    if (this.#latest === undefined && this.#isIntroduced) return undefined;
    const repository = repositoryOf(scopes);
    const identity = await this.#source.identityOf(repository, signal);
    if (this.#latest === undefined && identity.credentials !== undefined) {
      await this.#introductions.join("", (asking) => this.#introduce(asking), signal);
    }
    const scheme = this.#schemeOf(repository);
    if (scheme === undefined) return undefined;
    // what a token server says no to is asked without: the registry may let it pass, and its 401 brings the hint
    return (await this.#prove(identity, scheme, scopes, signal)).header;
  }

  async challenged({ challenges, scopes, sent }: Refusal, signal?: AbortSignal): Promise<ChallengeAnswer> {
    const repository = repositoryOf(scopes);
    const scheme = this.#learn(repository, challenges);
    if (typeof scheme === "string") return { tryAgain: false, hint: scheme };
    const wanted = scheme.kind === "bearer" ? [...scopes, ...scheme.scopes] : scopes;
    if (sent !== undefined) this.#tokens.forget(sent, scopeSet(wanted));
    const identity = await this.#source.identityOf(repository, signal);
    const proof = await this.#prove(identity, scheme, wanted, signal);
    if (isNews(proof, sent)) return { tryAgain: true };
    // who asked as nobody just now has nothing that could have grown stale
    if (identity.credentials !== undefined || sent !== undefined) {
      const renewed = await this.#source.renew(repository, identity, signal);
      if (renewed && isNews(await this.#prove(renewed, scheme, wanted, signal), sent)) return { tryAgain: true };
    }
    return { tryAgain: false, hint: proof.hint ?? "the registry refused the credentials" };
  }

  async #introduce(signal: AbortSignal): Promise<void> {
    const challenges = await introduce(this.#wire, this.#host, this.#origin, signal);
    this.#isIntroduced = true;
    const scheme = chooseScheme(challenges, this.#origin);
    if (typeof scheme !== "string") this.#latest = scheme;
  }

  /**
   * A 401 that says nothing changes nothing; one that says something new counts, unless it leaves us without a server to
   * get tokens from: who asks as nobody for that may be told that what is there is not.
   */
  #learn(repository: string | undefined, challenges: readonly Challenge[]): Scheme | string {
    const choice = chooseScheme(challenges, this.#origin);
    const known = this.#schemeOf(repository);
    if (typeof choice === "string") return challenges.length > 0 ? choice : (known ?? choice);
    if (known && choice.kind === "bearer" && typeof choice.server === "string") return choice;
    this.#schemes.set(repository ?? "", choice);
    this.#latest = choice;
    return choice;
  }

  #schemeOf(repository: string | undefined): Scheme | undefined {
    return this.#schemes.get(repository ?? "") ?? this.#latest;
  }

  async #prove(identity: Identity, scheme: Scheme, scopes: readonly string[], signal?: AbortSignal): Promise<Proof> {
    if (scheme.kind === "bearer") return this.#tokens.prove(identity, scheme.server, scopeSet(scopes), signal);
    const { credentials } = identity;
    if (credentials === undefined) return { hint: "no credentials were given" };
    if ("password" in credentials) return { header: basicHeader(credentials) };
    return { hint: "the registry wants a user name and a password, and a token was given" };
  }
}

function isNews({ header }: Proof, sent: string | undefined): boolean {
  return header !== undefined && header !== sent;
}
