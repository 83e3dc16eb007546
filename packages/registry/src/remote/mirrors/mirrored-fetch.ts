import type { Hash } from "node:crypto";
import { isRegistryError } from "../../errors.ts";
import type { Blob } from "../../oci/descriptor.ts";
import { digestAlgorithm, formatDigest, hashFor } from "../../oci/digest.ts";
import type { FetchBlobOptions } from "../../repository.ts";
import { type MirrorFailure, withMirrorFailures } from "./mirror-failures.ts";
import type { MirrorHost } from "./mirror-host.ts";
import type { Sources } from "./sources.ts";

/** So often a mirror may break off and go on with one blob. */
const mostCuts = 8;

/**
 * Streams a blob or a part of it from the first source that has it. Where one breaks for good, the next goes on at the
 * same byte. Sources verify what they give whole; as a blob may be pieced together, it is hashed here once more.
 * @throws RegistryError what the registry itself throws; `DIGEST_MISMATCH` when bytes that were handed out prove wrong
 */
export async function* fetchFromSources(
  sources: Sources,
  blob: Blob,
  options: FetchBlobOptions = {},
): AsyncGenerator<Uint8Array> {
  options.signal?.throwIfAborted();
  const reading = new PiecedReading(sources, blob, { ...options, verify: true }); // damage leads to the next source
  for (const mirror of sources.mirrors) {
    if (mirror.mayAsk(blob.digest)) yield* reading.fromMirror(mirror);
    if (reading.isDone) break;
  }
  if (!reading.isDone) yield* reading.fromOrigin();
  reading.verify();
}

/** One read of a blob, wherever its pieces come from. */
class PiecedReading {
  /** Nothing more is to come, or can be put right by another source. */
  isDone = false;
  readonly #sources: Sources;
  readonly #blob: Blob;
  readonly #options: FetchBlobOptions;
  readonly #start: number;
  readonly #end: number;
  /** Of a whole read. */
  readonly #hash: Hash | undefined;
  readonly #failures: MirrorFailure[] = [];
  /** The mirrors that bytes came from. */
  readonly #givers = new Set<MirrorHost>();
  #position: number;
  #isOriginAsked = false;

  constructor(sources: Sources, blob: Blob, options: FetchBlobOptions) {
    const { offset = 0, length = blob.size } = options;
    this.#sources = sources;
    this.#blob = blob;
    this.#options = options;
    this.#start = offset;
    this.#end = Math.min(blob.size, offset + length);
    this.#hash = offset === 0 && this.#end === blob.size ? hashFor(blob.digest) : undefined;
    this.#position = offset;
  }

  async *fromMirror(mirror: MirrorHost): AsyncGenerator<Uint8Array> {
    for (let cuts = 0; ; cuts += 1) {
      const before = this.#position;
      using patience = mirror.patience(this.#options.signal);
      const options = { ...this.#rest(), signal: patience.signal };
      try {
        for await (const chunk of this.#sources.at(mirror).fetchBlob(this.#blob, options)) {
          patience.rewarded();
          this.#givers.add(mirror);
          yield this.#counted(chunk);
        }
        mirror.worked();
        this.isDone = true;
        return;
      } catch (error) {
        this.#options.signal?.throwIfAborted();
        const hasDelivered = this.#position > before;
        this.isDone = hasDelivered && this.#position >= this.#end; // too late for another source: what is out decides
        // a link that brings something is not given up at once
        if (!this.isDone && hasDelivered && cuts < mostCuts && isRegistryError(error, "NETWORK")) continue;
        const { digest } = this.#blob;
        this.#failures.push({ mirror: mirror.place, error });
        mirror.failed(error, this.#sources.nameOf(digest), { digest, hasDelivered });
        return;
      }
    }
  }

  async *fromOrigin(): AsyncGenerator<Uint8Array> {
    this.#isOriginAsked = true;
    try {
      for await (const chunk of this.#sources.origin.fetchBlob(this.#blob, this.#rest())) yield this.#counted(chunk);
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      throw withMirrorFailures(error, this.#failures);
    }
  }

  /** A mirror's share of a whole blob is judged with the rest; what the registry gave alone, it has verified. */
  verify(): void {
    const { digest } = this.#blob;
    if (!this.#hash || this.#givers.size === 0) return;
    const actual = formatDigest(digestAlgorithm(digest), this.#hash);
    if (actual === digest) return;
    for (const mirror of this.#givers) mirror.distrust(digest); // there is no telling who of them it was
    const givers = Array.from(this.#givers, ({ place }) => place);
    throw this.#sources.damaged(digest, actual, this.#isOriginAsked ? [...givers, this.#sources.origin.name] : givers);
  }

  /** The caller's own words as long as nothing has come: a mistake in them is the source's to refuse. */
  #rest(): FetchBlobOptions {
    if (this.#position === this.#start) return this.#options;
    return { offset: this.#position, length: this.#end - this.#position, signal: this.#options.signal };
  }

  #counted(chunk: Uint8Array): Uint8Array {
    this.#position += chunk.byteLength;
    this.#hash?.update(chunk); // before it is the caller's
    return chunk;
  }
}
