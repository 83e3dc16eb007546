import { RegistryError } from "../../errors.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import { formatName, type Tag } from "../../oci/reference.ts";
import type { RepositoryReader } from "../../repository.ts";
import { type MirrorFailure, withMirrorFailures } from "./mirror-failures.ts";
import type { MirrorHost, MirrorRepository } from "./mirror-host.ts";

/** Options of {@link Sources.ask}. */
export interface AskOptions {
  /** What is asked for by digest proves itself: it is content. Whether something is there, a mirror could get wrong. */
  readonly isProven?: boolean;
}

/** Where the content of one repository may be had: mirrors, in the order they are asked, then the registry itself. */
export class Sources<Origin extends RepositoryReader = RepositoryReader> {
  readonly origin: Origin;
  readonly mirrors: readonly MirrorHost[];
  readonly #path: string;

  constructor(origin: Origin, mirrors: readonly MirrorHost[], path: string) {
    this.origin = origin;
    this.mirrors = mirrors;
    this.#path = path;
  }

  /** The repository at a mirror. A path that cannot be one there is that mirror's failure. */
  at(mirror: MirrorHost): MirrorRepository {
    return mirror.registry.repository(this.#path);
  }

  /**
   * The first answer: `undefined`, which is "missing", and errors count only when they come from the registry itself.
   * @throws what the registry threw, with the mirrors' failures told; `signal.reason` when that is aborted
   */
  async ask<Answer>(
    reference: Tag | Digest,
    signal: AbortSignal | undefined,
    call: (repository: RepositoryReader, signal: AbortSignal | undefined) => Promise<Answer>,
    { isProven = false }: AskOptions = {},
  ): Promise<Answer> {
    const failures: MirrorFailure[] = [];
    const digest = isDigest(reference) ? reference : undefined;
    for (const mirror of this.mirrors) {
      if (!(isProven && digest !== undefined) && !mirror.resolvesTags) continue;
      if (!mirror.mayAsk(digest)) continue;
      using patience = mirror.patience(signal);
      try {
        const answer = await call(this.at(mirror), patience.signal);
        mirror.worked();
        if (answer !== undefined) return answer;
      } catch (error) {
        signal?.throwIfAborted();
        failures.push({ mirror: mirror.place, error });
        mirror.failed(error, this.nameOf(reference), { digest });
      }
    }
    try {
      return await call(this.origin, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw withMirrorFailures(error, failures);
    }
  }

  /** As errors and events tell it. */
  nameOf(reference: Tag | Digest): string {
    return formatName(this.origin.name, reference);
  }

  /** What came is not what was asked for, and has been handed out already. */
  damaged(expected: Digest, actual: Digest, from: readonly string[]): RegistryError {
    const reference = this.nameOf(expected);
    const message = `cannot read blob ${reference}: it arrived as ${actual}, from ${from.join(" and ")}`;
    return new RegistryError("DIGEST_MISMATCH", message, { reference, expected, actual });
  }
}
