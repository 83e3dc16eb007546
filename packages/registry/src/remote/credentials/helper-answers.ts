import type { Credentials } from "../auth/authenticator.ts";
import { SingleFlight } from "../auth/single-flight.ts";
import { LruMap } from "../lru-map.ts";
import { askHelper, type HelperOptions } from "./credential-helper.ts";

interface Answer {
  readonly credentials: Credentials | undefined;
  /** The repositories it was given for. */
  readonly givenFor: Set<string>;
}

const maxRepositories = 10_000;

/**
 * What helpers said. Running one takes a while, and it keeps one answer for a whole host, so all repositories share it.
 * Who asks again for the same repository has seen the answer fail: then the helper is run again.
 */
export class HelperAnswers {
  readonly #options: HelperOptions;
  readonly #answers = new LruMap<Answer>(100);
  readonly #running = new SingleFlight<Answer>();

  constructor(options: HelperOptions) {
    this.#options = options;
  }

  /** @throws RegistryError `CREDENTIALS_UNUSABLE` */
  async get(name: string, server: string, repository = "", signal?: AbortSignal): Promise<Credentials | undefined> {
    const key = `${name}\n${server}`;
    const known = this.#answers.get(key);
    const isNew = known && !known.givenFor.has(repository) && known.givenFor.size < maxRepositories;
    const answer = isNew ? known : await this.#running.join(key, (run) => this.#run(key, name, server, run), signal);
    answer.givenFor.add(repository);
    return answer.credentials;
  }

  async #run(key: string, name: string, server: string, signal: AbortSignal): Promise<Answer> {
    const credentials = await askHelper(name, server, { ...this.#options, signal });
    const answer: Answer = { credentials, givenFor: new Set() };
    this.#answers.set(key, answer);
    return answer;
  }
}
