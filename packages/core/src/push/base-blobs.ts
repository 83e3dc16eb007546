import { type Descriptor, type Digest, formatName, type Registry, type RegistryReader } from "@tranship/registry";
import type { AssumedContent, BasedSource } from "../bundle/assumed.ts";
import { isMirrorError, MirrorError } from "../errors.ts";
import { nameSome } from "../name-some.ts";
import type { Route } from "../transfer/copier.ts";
import { runSteps } from "../transfer/run-steps.ts";
import { transferError } from "../transfer/transfer-error.ts";
import type { HeldBlob } from "./push-steps.ts";
import type { PushWork } from "./push-work.ts";
import type { Routes } from "./routes.ts";
import type { AskTargetOptions } from "./target-names.ts";

/** How many references an error carries. */
const maxReferences = 100;

/** A blob that is needed and not at hand, in all repositories that need it. */
interface Wanted {
  readonly blob: Descriptor;
  /** Their paths at the source. */
  readonly paths: Set<string>;
  /** Paths at the source of repositories that should have it at the target. */
  readonly from: Set<string>;
}

/**
 * The blobs a source was made without, as a delta bundle is: finds them at the target, and reads them from there where
 * they cannot be mounted.
 */
export class BaseBlobs {
  readonly #source: RegistryReader;
  readonly #target: Registry;
  readonly #routes: Routes;
  readonly #assumed: ReadonlyMap<string, AssumedContent>;
  /** Where a blob is read that the source does not hold in the repository that needs it. */
  readonly #readers = new Map<string, Route["from"]>();

  constructor(source: RegistryReader & Partial<BasedSource>, target: Registry, routes: Routes) {
    this.#source = source;
    this.#target = target;
    this.#routes = routes;
    this.#assumed = new Map(source.assumed?.().map((content) => [formatName(content.path, content.digest), content]));
  }

  /** The repository `from`, at `path` of the source, with the blobs that were found elsewhere. */
  over(path: string, from: Route["from"]): Route["from"] {
    if (this.#assumed.size === 0) return from;
    return {
      name: from.name,
      fetchBlob: (blob, options) => (this.#readers.get(formatName(path, blob.digest)) ?? from).fetchBlob(blob, options),
    };
  }

  /**
   * Looks for all that is to be written and not at hand, and gives where it can be mounted from.
   * @throws MirrorError `BASE_MISSING` when some of it is nowhere, `TRANSFER_FAILED`
   */
  async find(work: PushWork, { inFlight, signal }: AskTargetOptions): Promise<readonly HeldBlob[]> {
    if (this.#assumed.size === 0) return [];
    const { wanted, atHand } = this.#sort(work);
    const homesOf = new Map<Wanted, readonly string[]>();
    const searches = wanted.map((one) => ({
      id: one.blob.digest,
      run: async (own: AbortSignal) => void homesOf.set(one, await this.#homesOf(one, own)),
    }));
    await runSteps(searches, { inFlight, signal });
    const held: HeldBlob[] = [];
    const missing: Wanted[] = [];
    for (const one of wanted) {
      const { digest } = one.blob; // in the order of the work, not in that of the answers
      const homes = homesOf.get(one) ?? [];
      held.push(...homes.map((path) => ({ digest, path })));
      const path = atHand.get(digest);
      const [home] = homes;
      if (path !== undefined) this.#readFrom(one, this.#source.repository(path));
      else if (home !== undefined) this.#readFrom(one, this.#target.repository(home));
      else missing.push(one);
    }
    if (missing.length > 0) throw this.#baseMissing(missing);
    return held;
  }

  /** What is needed and not at hand, and for other blobs a repository of the source that holds them. */
  #sort({ written, referrers }: PushWork): {
    readonly wanted: readonly Wanted[];
    readonly atHand: ReadonlyMap<Digest, string>;
  } {
    const wanted = new Map<Digest, Wanted>();
    const atHand = new Map<Digest, string>();
    for (const { path, graph } of [...written, ...referrers.written]) {
      for (const blob of graph.blobs) {
        const assumed = this.#assumed.get(formatName(path, blob.digest));
        if (!assumed) {
          atHand.set(blob.digest, path);
          continue;
        }
        const one = wanted.get(blob.digest) ?? { blob, paths: new Set(), from: new Set() };
        wanted.set(blob.digest, one);
        one.paths.add(path);
        for (const from of assumed.from) one.from.add(from);
      }
    }
    return { wanted: [...wanted.values()], atHand };
  }

  /** Paths at the target that have the blob: all that need it, else the first that should have it. */
  async #homesOf({ blob, paths, from }: Wanted, signal: AbortSignal): Promise<readonly string[]> {
    const homes: string[] = [];
    for (const path of paths) {
      const own = this.#routes.targetOf(path);
      if (await this.#holds(own, blob, signal)) homes.push(own);
    }
    for (const path of from) {
      if (homes.length > 0) break;
      const other = this.#routes.targetOf(path);
      if (paths.has(path)) continue;
      try {
        if (await this.#holds(other, blob, signal)) homes.push(other);
      } catch (error) {
        if (!isDenied(error)) throw error; // who may not look there finds it elsewhere, or not at all
      }
    }
    return homes;
  }

  async #holds(path: string, { digest, size }: Descriptor, signal: AbortSignal): Promise<boolean> {
    const repository = this.#target.repository(path);
    try {
      return (await repository.statBlob(digest, { signal }))?.size === size;
    } catch (error) {
      const reference = formatName(repository.name, digest);
      throw transferError(error, "target", `push to ${this.#target.name}`, reference, signal);
    }
  }

  #readFrom({ blob, paths }: Wanted, reader: Route["from"]): void {
    for (const path of paths) this.#readers.set(formatName(path, blob.digest), reader);
  }

  #baseMissing(missing: readonly Wanted[]): MirrorError<"BASE_MISSING"> {
    const place = this.#target.name;
    const references = missing.flatMap(({ blob, paths }) => [...paths].map((path) => formatName(path, blob.digest)));
    const bytes = missing.reduce((sum, { blob }) => sum + blob.size, 0);
    const blobs = missing.length;
    const message =
      `cannot push to ${place}: it lacks ${blobs} blob${blobs === 1 ? "" : "s"} (${bytes} bytes) of the base that ` +
      `${this.#source.name} was made over: ${nameSome(references)}`;
    const details = { place, blobs, bytes, references: references.slice(0, maxReferences) };
    return new MirrorError("BASE_MISSING", message, details);
  }
}

function isDenied(error: unknown): boolean {
  return isMirrorError(error, "TRANSFER_FAILED") && error.details.failure === "denied";
}
