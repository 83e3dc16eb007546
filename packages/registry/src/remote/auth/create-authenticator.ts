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
  #scheme: Scheme | undefined;

  constructor(origin: URL, source: CredentialSource, bearer: BearerParts) {
    this.#origin = origin;
    this.#host = bearer.host;
    this.#wire = bearer;
    this.#source = source;
    this.#tokens = new BearerTokens(bearer);
  }

  async authorization({ scopes }: AccessRequest, signal?: AbortSignal): Promise<string | undefined> {
    if (this.#scheme === undefined && this.#isIntroduced) return undefined;
    const identity = await this.#source.identityOf(repositoryOf(scopes), signal);
    if (this.#scheme === undefined && identity.credentials !== undefined) {
      await this.#introductions.join("", (asking) => this.#introduce(asking), signal);
    }
    const scheme = this.#scheme;
    if (scheme === undefined) return undefined;
    // what a token server says no to is asked without: the registry may let it pass, and its 401 brings the hint
    return (await this.#prove(identity, scheme, scopes, signal)).header;
  }

  async challenged({ challenges, scopes, sent }: Refusal, signal?: AbortSignal): Promise<ChallengeAnswer> {
    const scheme = this.#learn(chooseScheme(challenges, this.#origin), challenges.length > 0);
    if (typeof scheme === "string") return { tryAgain: false, hint: scheme };
    const wanted = scheme.kind === "bearer" ? [...scopes, ...scheme.scopes] : scopes;
    if (sent !== undefined) this.#tokens.forget(sent, scopeSet(wanted));
    const repository = repositoryOf(scopes);
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
    if (challenges.length > 0) this.#learn(chooseScheme(challenges, this.#origin), true);
  }

  /** A 401 that says nothing changes nothing; one that says something new counts. */
  #learn(choice: Scheme | string, isSaid: boolean): Scheme | string {
    if (typeof choice !== "string") {
      this.#scheme = choice;
      return choice;
    }
    return isSaid ? choice : (this.#scheme ?? choice);
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
