import { classifyFailure, isRegistryError } from "../../errors.ts";
import type { LaneProvider } from "../../lane.ts";
import type { Digest } from "../../oci/digest.ts";
import type { RegistryReader } from "../../registry.ts";
import type { RepositoryReader } from "../../repository.ts";
import { LruMap } from "../lru-map.ts";
import { finalProxyReasons } from "../transport/proxy-error.ts";
import { failureCode } from "./mirror-failures.ts";
import { Patience } from "./patience.ts";

/** A repository of a mirror: only read. */
export type MirrorRepository = RepositoryReader & Partial<LaneProvider>;

/** A mirror as a registry. */
export interface MirrorRegistry extends RegistryReader, AsyncDisposable {
  repository(path: string): MirrorRepository;
}

/** What a {@link MirrorHost} is made of. */
export interface MirrorHostParts {
  /** Such as `mirror.internal/hub`. */
  readonly place: string;
  /** Whether tags may be looked up there, too. */
  readonly tags: boolean;
  readonly registry: MirrorRegistry;
  /** Told of the first failure of each code. */
  readonly onFailure: (reference: string, code: string) => void;
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
}

/** How long a mirror that cannot be reached is left alone, in milliseconds. */
const restMs = 30_000;
/** The longest rest a mirror gets because it asked for it. */
const longestRestMs = 5 * 60_000;
/** So many failures in a row that may be chance are none. */
const missesUntilRest = 3;
/** Blobs remembered for having come damaged. */
const rememberedBlobs = 1000;

/** Nobody answers, and nobody will for the next request. */
const goneReasons: ReadonlySet<string> = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "PROXY_UNREACHABLE",
  ...finalProxyReasons,
]);

/** One mirror and how it has done so far: a dead one costs a timeout now and then, not one for each blob. */
export class MirrorHost {
  readonly place: string;
  readonly resolvesTags: boolean;
  readonly registry: MirrorRegistry;
  readonly #parts: MirrorHostParts;
  readonly #told = new Set<string>();
  readonly #damaged = new LruMap<true>(rememberedBlobs);
  #resting = new AbortController();
  #restsUntil = 0;
  #misses = 0;

  constructor(parts: MirrorHostParts) {
    this.place = parts.place;
    this.resolvesTags = parts.tags;
    this.registry = parts.registry;
    this.#parts = parts;
  }

  /** Whether to ask it now. After a rest one caller is let through, to see how it is; others wait for what comes of it. */
  mayAsk(digest?: Digest): boolean {
    if (digest !== undefined && this.#damaged.get(digest)) return false;
    if (this.#restsUntil === 0) return true;
    if (this.#parts.now() < this.#restsUntil) return false;
    this.#rest(restMs);
    return true;
  }

  /** How long a call that begins now waits for it. */
  patience(signal?: AbortSignal): Patience {
    return new Patience(this.#resting.signal, signal);
  }

  /** It is there, and answers. */
  worked(): void {
    this.#restsUntil = 0;
    this.#misses = 0;
  }

  /** It answered with an error, or not at all; with `hasDelivered`, in the middle of a blob. */
  failed(error: unknown, reference: string, { digest, hasDelivered = false }: FailedOptions = {}): void {
    const code = failureCode(error);
    if (!this.#told.has(code)) {
      this.#told.add(code);
      this.#parts.onFailure(reference, code);
    }
    if (digest !== undefined && isRegistryError(error, "DIGEST_MISMATCH")) this.distrust(digest);
    if (isRegistryError(error, "RATE_LIMITED")) {
      this.#rest(Math.min(error.details.retryAfterMs ?? restMs, longestRestMs), error);
    } else if (isGone(error)) {
      this.#rest(restMs, error);
    } else if (classifyFailure(error) !== "transient") {
      this.worked(); // an answer all the same
    } else if (!hasDelivered) {
      this.#misses += 1;
      if (this.#misses >= missesUntilRest) this.#rest(restMs, error);
    }
  }

  /** Never asks it for this content again, as long as that is remembered. */
  distrust(digest: Digest): void {
    this.#damaged.set(digest, true);
  }

  /** With the `failure` that made it necessary, it is told to all who wait. */
  #rest(forMs: number, failure?: unknown): void {
    this.#restsUntil = this.#parts.now() + forMs;
    if (failure === undefined) return;
    const resting = this.#resting;
    this.#resting = new AbortController();
    resting.abort(failure);
  }
}

interface FailedOptions {
  /** What was asked for, when it is content. */
  readonly digest?: Digest | undefined;
  readonly hasDelivered?: boolean;
}

function isGone(error: unknown): boolean {
  if (isRegistryError(error, "NETWORK")) return goneReasons.has(error.details.reason);
  return isRegistryError(error, "TIMEOUT") || isRegistryError(error, "TLS");
}
