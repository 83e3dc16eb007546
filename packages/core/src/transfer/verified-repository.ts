import {
  childBlobs,
  childManifests,
  classifyFailure,
  type Digest,
  defaultMaxManifestBytes,
  digestAlgorithm,
  digestOf,
  formatDigest,
  formatName,
  hashFor,
  type ImageIndex,
  type ImageManifest,
  type Manifest,
  parseManifest,
  RegistryError,
  type RepositoryReader,
  referrersTag,
  type Tag,
} from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import type { PlannedBlob } from "../plan/section.ts";
import { transferError } from "./transfer-error.ts";
import type { VerifyFinding } from "./verify-report.ts";

/** Progress is told once per so many bytes of a blob. */
const progressBytes = 1024 * 1024;

/** What one check gave: findings, or nothing to complain of; `bytes` is what was hashed, if anything was found to hash. */
export interface Verified {
  readonly findings?: readonly VerifyFinding[] | undefined;
  readonly bytes?: number | undefined;
}

/** What a plan says of one repository. */
export interface ExpectedContent {
  /** All that it is to hold. */
  readonly blobs: ReadonlySet<Digest>;
  /** What an index lists and it need not hold, by the index. */
  readonly leftOut: ReadonlyMap<Digest, ReadonlySet<Digest>>;
}

/** One repository under verification: each check asks for one thing and reads it whole. */
export class VerifiedRepository {
  readonly #repository: RepositoryReader;
  readonly #path: string;
  readonly #planned: ExpectedContent;
  readonly #emit: OnEvent;
  /** The manifests that were read and refer to another, by the fallback tag of what they refer to. */
  readonly #referrers = new Map<Tag, { readonly subject: Digest; readonly digests: Set<Digest> }>();
  /** Some manifests arrived damaged: what they refer to is not known. */
  #hasDamage = false;

  constructor(repository: RepositoryReader, path: string, planned: ExpectedContent, emit: OnEvent) {
    this.#repository = repository;
    this.#path = path;
    this.#planned = planned;
    this.#emit = emit;
  }

  /** Whether `tag` means one of `digests`. */
  async checkTag(tag: Tag, digests: ReadonlySet<Digest>, signal: AbortSignal): Promise<Verified> {
    const reference = formatName(this.#repository.name, tag);
    try {
      const there = await this.#repository.resolve(tag, { signal });
      if (!there) return { findings: [{ code: "TAG_MISSING", message: "the tag is not there", reference }] };
      if (!digests.has(there.digest)) {
        const message = `it names ${there.digest}, planned is ${[...digests].join(" or ")}`;
        return { findings: [{ code: "TAG_DIFFERS", message, reference }] };
      }
      this.#emit({ type: "image.finished", side: "target", reference, digest: there.digest, outcome: "present" });
      return {};
    } catch (error) {
      throw transferError(error, "target", `verify ${reference}`, reference, signal);
    }
  }

  /** Reads a manifest, and holds what it needs against the plan. */
  checkManifest(planned: PlannedBlob, signal: AbortSignal): Promise<Verified> {
    return this.#check("MANIFEST", planned, signal, async () => {
      const maxBytes = Math.max(planned.size, defaultMaxManifestBytes);
      const { bytes, descriptor } = await this.#repository.manifest(planned.digest, { signal, maxBytes });
      requireType(planned, descriptor.mediaType);
      requireSame(planned, bytes.byteLength, digestOf(bytes, digestAlgorithm(planned.digest)));
      return this.#unplanned({ descriptor, bytes });
    });
  }

  /**
   * Reads a list of referrers. Where what it lists is found as referrers, it need not be there itself; nor is it missed where
   * a damaged manifest may be what it is about. After all of {@link checkManifest}.
   */
  async checkList(tag: Tag, planned: PlannedBlob, signal: AbortSignal): Promise<Verified> {
    const result = await this.checkManifest(planned, signal);
    const isMissing = result.findings?.some(({ code }) => code === "MANIFEST_MISSING") ?? false;
    return isMissing && (this.#referrers.has(tag) || this.#hasDamage) ? {} : result;
  }

  /**
   * Whether the repository lists all referrers that were planned with a list under `tag`; a list of what refers to
   * nothing is a tag as any other. After all of {@link checkManifest}.
   */
  async checkReferrers(tag: Tag, digests: ReadonlySet<Digest>, signal: AbortSignal): Promise<Verified> {
    const expected = this.#referrers.get(tag);
    if (!expected) {
      const result = await this.checkTag(tag, digests, signal);
      const isMissing = result.findings?.some(({ code }) => code === "TAG_MISSING") ?? false;
      return isMissing && this.#hasDamage ? {} : result;
    }
    const { subject } = expected;
    const reference = formatName(this.#repository.name, subject);
    const listed = new Set<Digest>();
    try {
      for await (const { digest } of this.#repository.referrers(subject, { signal })) listed.add(digest);
    } catch (error) {
      throw transferError(error, "target", `verify the referrers of ${reference}`, reference, signal);
    }
    const missing = [...expected.digests].filter((digest) => !listed.has(digest)).sort();
    return {
      findings: missing.map((digest) => ({
        code: "REFERRER_MISSING",
        message: `it is not listed among what refers to ${subject}`,
        reference: formatName(this.#repository.name, digest),
      })),
    };
  }

  async checkBlob(planned: PlannedBlob, signal: AbortSignal): Promise<Verified> {
    const { digest, size } = planned;
    const told = { side: "target", repository: this.#path, digest } as const;
    const result = await this.#check("BLOB", planned, signal, async () => {
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
      return [];
    });
    if (result.findings?.length) this.#emit({ type: "blob.failed", ...told, size });
    return result;
  }

  /** What a manifest needs and the plan does not name: nobody would have looked for it. */
  #unplanned(manifest: Manifest): readonly VerifyFinding[] {
    const { descriptor, bytes } = manifest;
    let content: ImageManifest | ImageIndex;
    try {
      content = parseManifest({ descriptor, bytes });
    } catch {
      return []; // its bytes are those that were planned
    }
    if (content.subject) {
      const { digest: subject } = content.subject;
      const known = this.#referrers.get(referrersTag(subject)) ?? { subject, digests: new Set() };
      this.#referrers.set(referrersTag(subject), known);
      known.digests.add(descriptor.digest);
    }
    const needed = new Set([...childBlobs(content), ...childManifests(content)].map(({ digest }) => digest));
    const leftOut = this.#planned.leftOut.get(descriptor.digest);
    return [...needed]
      .filter((digest) => !this.#planned.blobs.has(digest) && !leftOut?.has(digest))
      .map((digest) => ({
        code: "BLOB_UNPLANNED",
        message: `${descriptor.digest} needs it, and the plan does not name it`,
        reference: formatName(this.#repository.name, digest),
      }));
  }

  /** Runs a reading; only what is missing or not what its digest says becomes a finding. */
  async #check(
    what: "MANIFEST" | "BLOB",
    { digest, size }: PlannedBlob,
    signal: AbortSignal,
    read: () => Promise<readonly VerifyFinding[]>,
  ): Promise<Verified> {
    const reference = formatName(this.#repository.name, digest);
    try {
      return { findings: await read(), bytes: size };
    } catch (error) {
      const failure = signal.aborted ? "aborted" : classifyFailure(error);
      if (failure !== "missing" && failure !== "corrupt") {
        throw transferError(error, "target", `verify ${reference}`, reference, signal);
      }
      if (failure === "corrupt" && what === "MANIFEST") this.#hasDamage = true;
      const message = error instanceof Error ? error.message : String(error);
      const finding = { code: `${what}_${failure === "missing" ? "MISSING" : "CORRUPT"}`, message, reference };
      return failure === "missing" ? { findings: [finding] } : { findings: [finding], bytes: size };
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
