import {
  classifyFailure,
  type Digest,
  defaultMaxManifestBytes,
  digestAlgorithm,
  digestOf,
  formatDigest,
  formatName,
  hashFor,
  RegistryError,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import type { PlannedBlob } from "../plan/section.ts";
import { transferError } from "./transfer-error.ts";
import type { VerifyFinding } from "./verify-report.ts";

/** Progress is told once per so many bytes of a blob. */
const progressBytes = 1024 * 1024;

/** What one check gave: a finding, or nothing to complain of; `bytes` is what was hashed, if anything was found to hash. */
export interface Verified {
  readonly finding?: VerifyFinding | undefined;
  readonly bytes?: number | undefined;
}

/** One repository under verification: each check asks for one thing and reads it whole. */
export class VerifiedRepository {
  readonly #repository: RepositoryReader;
  readonly #path: string;
  readonly #emit: OnEvent;

  constructor(repository: RepositoryReader, path: string, emit: OnEvent) {
    this.#repository = repository;
    this.#path = path;
    this.#emit = emit;
  }

  /** Whether `tag` means one of `digests`. */
  async checkTag(tag: Tag, digests: ReadonlySet<Digest>, signal: AbortSignal): Promise<Verified> {
    const reference = formatName(this.#repository.name, tag);
    try {
      const there = await this.#repository.resolve(tag, { signal });
      if (!there) return { finding: { code: "TAG_MISSING", message: "the tag is not there", reference } };
      if (!digests.has(there.digest)) {
        const message = `it names ${there.digest}, planned is ${[...digests].join(" or ")}`;
        return { finding: { code: "TAG_DIFFERS", message, reference } };
      }
      this.#emit({ type: "image.finished", side: "target", reference, digest: there.digest, outcome: "present" });
      return {};
    } catch (error) {
      throw transferError(error, "target", `verify ${reference}`, reference, signal);
    }
  }

  checkManifest(planned: PlannedBlob, signal: AbortSignal): Promise<Verified> {
    return this.#check("MANIFEST", planned, signal, async () => {
      const maxBytes = Math.max(planned.size, defaultMaxManifestBytes);
      const { bytes, descriptor } = await this.#repository.manifest(planned.digest, { signal, maxBytes });
      requireType(planned, descriptor.mediaType);
      requireSame(planned, bytes.byteLength, digestOf(bytes, digestAlgorithm(planned.digest)));
    });
  }

  checkBlob(planned: PlannedBlob, signal: AbortSignal): Promise<Verified> {
    const { digest, size } = planned;
    const told = { side: "target", repository: this.#path, digest } as const;
    return this.#check("BLOB", planned, signal, async () => {
      const startedMs = performance.now();
      this.#emit({ type: "blob.started", ...told, size, offset: 0 });
      const hash = hashFor(digest); // what is to be proven is not taken on trust, not even from the reader
      let bytes = 0;
      let untold = 0;
      for await (const chunk of this.#repository.fetchBlob(planned, { signal })) {
        hash.update(chunk);
        bytes += chunk.byteLength;
        untold += chunk.byteLength;
        if (untold < progressBytes) continue;
        this.#emit({ type: "blob.progress", ...told, bytes: untold });
        untold = 0;
      }
      requireSame(planned, bytes, formatDigest(digestAlgorithm(digest), hash));
      if (untold > 0) this.#emit({ type: "blob.progress", ...told, bytes: untold });
      const elapsedMs = Math.round(performance.now() - startedMs);
      this.#emit({ type: "blob.finished", ...told, size, fetchedBytes: bytes, elapsedMs });
    });
  }

  /** Runs a reading; only what is missing or not what its digest says becomes a finding. */
  async #check(
    what: "MANIFEST" | "BLOB",
    { digest, size }: PlannedBlob,
    signal: AbortSignal,
    read: () => Promise<void>,
  ): Promise<Verified> {
    const reference = formatName(this.#repository.name, digest);
    try {
      await read();
      return { bytes: size };
    } catch (error) {
      const failure = signal.aborted ? "aborted" : classifyFailure(error);
      if (failure !== "missing" && failure !== "corrupt") {
        throw transferError(error, "target", `verify ${reference}`, reference, signal);
      }
      const message = error instanceof Error ? error.message : String(error);
      const finding = { code: `${what}_${failure === "missing" ? "MISSING" : "CORRUPT"}`, message, reference };
      return failure === "missing" ? { finding } : { finding, bytes: size };
    }
  }
}

/** The bytes are one thing, what a client is told they are another: by a wrong type they cannot be used. */
function requireType({ digest, mediaType }: PlannedBlob, actual: string): void {
  if (actual === mediaType) return;
  const message = `${digest} should be ${mediaType}, it is served as ${actual}`;
  throw new RegistryError("DIGEST_MISMATCH", message, { reference: digest, expected: mediaType, actual });
}

function requireSame({ digest, size }: PlannedBlob, actualSize: number, actual: Digest): void {
  if (actualSize !== size) {
    const message = `${digest} should have ${size} bytes, it has ${actualSize}`;
    throw new RegistryError("SIZE_MISMATCH", message, { reference: digest, expected: size, actual: actualSize });
  }
  if (actual !== digest) {
    const message = `${digest} arrived as ${actual}`;
    throw new RegistryError("DIGEST_MISMATCH", message, { reference: digest, expected: digest, actual });
  }
}
