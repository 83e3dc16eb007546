import { LruMap } from "../lru-map.ts";
import type { CredentialProvider, Credentials } from "./authenticator.ts";
import { checkCredentials, Identity } from "./identity.ts";
import { SingleFlight } from "./single-flight.ts";

/** Knows who asks, for each repository of one registry. */
export interface CredentialSource {
  /** Who asks; a provider is asked once for each repository. What it throws is thrown, and not remembered. */
  identityOf(repository: string | undefined, signal?: AbortSignal): Promise<Identity>;
  /** Who asks instead of one that was refused; `undefined` when there is nobody else. */
  renew(repository: string | undefined, refused: Identity, signal?: AbortSignal): Promise<Identity | undefined>;
}

const maxRepositories = 1000;

/**
 * The source of what a user gave for the registry `host`.
 * @throws RegistryError `CREDENTIALS_UNUSABLE` when they are given right here and cannot be sent
 */
export function credentialSource(host: string, given: Credentials | CredentialProvider | undefined): CredentialSource {
  if (typeof given === "function") return new ProvidedCredentials(host, given);
  const identity = new Identity(0, given ? checkCredentials({ ...given }, "the options") : undefined);
  return { identityOf: async () => identity, renew: async () => undefined };
}

class ProvidedCredentials implements CredentialSource {
  readonly #host: string;
  readonly #provider: CredentialProvider;
  readonly #identities = new LruMap<Identity>(maxRepositories);
  readonly #asking = new SingleFlight<Identity>();
  #asked = 0;

  constructor(host: string, provider: CredentialProvider) {
    this.#host = host;
    this.#provider = provider;
  }

  async identityOf(repository: string | undefined, signal?: AbortSignal): Promise<Identity> {
    return this.#identities.get(repository ?? "") ?? this.#ask(repository, signal);
  }

  async renew(repository: string | undefined, refused: Identity, signal?: AbortSignal): Promise<Identity | undefined> {
    const known = this.#identities.get(repository ?? "");
    const now = known === undefined || known === refused ? await this.#ask(repository, signal) : known;
    return now === refused ? undefined : now;
  }

  #ask(repository: string | undefined, signal: AbortSignal | undefined): Promise<Identity> {
    const key = repository ?? "";
    return this.#asking.join(key, (asking) => this.#answer(key, repository, asking), signal);
  }

  async #answer(key: string, repository: string | undefined, signal: AbortSignal): Promise<Identity> {
    const host = this.#host;
    const found = await this.#provider({ host, ...(repository === undefined ? {} : { repository }) }, { signal });
    // a provider without types may say `null`, and means one thing by it
    const credentials = found ? checkCredentials({ ...found }, `the provider of ${host}`) : undefined;
    const known = this.#identities.get(key);
    if (known?.holds(credentials)) return known;
    this.#asked += 1;
    const identity = new Identity(this.#asked, credentials);
    this.#identities.set(key, identity);
    return identity;
  }
}
