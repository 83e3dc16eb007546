import {
  childBlobs,
  childManifests,
  type Descriptor,
  type Digest,
  formatName,
  isDigest,
  isManifestMediaType,
  type Manifest,
  parseManifest,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";
import { sourceError } from "../transfer/transfer-error.ts";
import type { MissingImage } from "./download-list.ts";
import type { PlannedStep, RunContext } from "./planner.ts";
import {
  blobPath,
  type PlannedBlob,
  type PlannedImage,
  type PlannedRepository,
  type Reason,
  type Section,
} from "./section.ts";

/** An image a planner wants in a section. */
export interface WantedImage {
  /** The repository's path in the bundle. */
  readonly path: string;
  /** Where it is read from. */
  readonly repository: RepositoryReader;
  readonly reference: Tag | Digest;
  /** The tag to store it under. @defaultValue the reference: a tag as it is, a digest as its hexadecimal half */
  readonly tag?: Tag | undefined;
  readonly why: Reason;
  /** What it means when the source does not have it: nothing, a line in the plan, or an error. */
  readonly whenMissing: "ignore" | "report" | "fail";
}

/** Nested indexes deeper than this are refused. */
const maxDepth = 8;

/**
 * Resolves what is wanted and lays down the section it makes: every image with its whole graph, without what earlier
 * sections of the archive hold already. `undefined` when nothing of it exists and nothing is reported.
 * @throws MirrorError `IMAGE_NOT_FOUND`, `TRANSFER_FAILED`
 */
export async function buildStep(
  wanted: readonly WantedImage[],
  done: readonly Section[],
  run: RunContext,
): Promise<PlannedStep | undefined> {
  const missing: MissingImage[] = [];
  const found = await Promise.all(
    wanted.map(async (want) => ({ want, manifest: await run.source.manifest(want.repository, want.reference) })),
  );
  const drafts = new Map<string, Draft>();
  for (const { want, manifest } of found) {
    if (manifest) {
      const draft = drafts.get(want.path) ?? new Draft(want.path, want.repository, done, run);
      drafts.set(want.path, draft);
      draft.addImage(want, manifest);
    } else reportMissing(want, missing, run);
  }
  await Promise.all([...drafts.values()].map((draft) => draft.walk()));
  const repositories = [...drafts.values()]
    .map((draft) => draft.finish())
    .filter(({ images }) => images.length > 0)
    .sort((a, b) => compareText(a.path, b.path));
  return repositories.length === 0 && missing.length === 0 ? undefined : { section: { repositories }, missing };
}

function reportMissing(want: WantedImage, missing: MissingImage[], run: RunContext): void {
  const reference = formatName(want.repository.name, want.reference);
  if (want.whenMissing === "ignore") return;
  const message = `${reference} is not at the source`;
  if (want.whenMissing === "fail") throw new MirrorError("IMAGE_NOT_FOUND", message, { reference });
  missing.push({ reference, why: want.why });
  run.emit({ type: "warning.raised", code: "IMAGE_MISSING", message, reference });
}

/** One repository of a section in the making. */
class Draft {
  readonly #path: string;
  readonly #repository: RepositoryReader;
  readonly #run: RunContext;
  readonly #earlierBlobs: ReadonlySet<Digest>;
  readonly #earlierTags: ReadonlyMap<Tag, Digest>;
  readonly #images = new Map<Tag, PlannedImage>();
  readonly #blobs = new Map<Digest, PlannedBlob>();
  readonly #roots: Manifest[] = [];

  constructor(path: string, repository: RepositoryReader, done: readonly Section[], run: RunContext) {
    this.#path = path;
    this.#repository = repository;
    this.#run = run;
    const earlier = done.flatMap((section) => section.repositories.filter((other) => other.path === path));
    this.#earlierBlobs = new Set(earlier.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)));
    this.#earlierTags = new Map(earlier.flatMap(({ images }) => images.map(({ tag, digest }) => [tag, digest])));
  }

  addImage(want: WantedImage, manifest: Manifest): void {
    const { mediaType, digest, size } = manifest.descriptor;
    const tag =
      want.tag ?? (isDigest(want.reference) ? want.reference.slice(want.reference.indexOf(":") + 1) : want.reference);
    if (this.#earlierTags.get(tag) === digest) return;
    const reference = formatName(this.#repository.name, want.reference);
    const why = [...new Set([...(this.#images.get(tag)?.why ?? []), want.why])].sort(compareText);
    this.#images.set(tag, { tag, reference, mediaType, digest, size, why });
    this.#roots.push(manifest);
  }

  async walk(): Promise<void> {
    await Promise.all(this.#roots.map((root) => this.#addGraph(root, 0)));
  }

  finish(): PlannedRepository {
    return {
      path: this.#path,
      source: this.#repository.name,
      images: [...this.#images.values()].sort((a, b) => compareText(a.tag, b.tag)),
      blobs: [...this.#blobs.values()].sort((a, b) => compareText(blobPath(a.digest), blobPath(b.digest))),
    };
  }

  async #addGraph(manifest: Manifest, depth: number): Promise<void> {
    const { digest } = manifest.descriptor;
    if (depth > maxDepth) throw this.#invalid(digest, `its indexes are nested more than ${maxDepth} deep`);
    if (!this.#addBlob(manifest.descriptor)) return;
    const content = this.#parse(manifest);
    for (const blob of childBlobs(content)) this.#addBlob(blob);
    await Promise.all(childManifests(content).map((child) => this.#addChild(child, digest, depth)));
  }

  async #addChild(child: Descriptor, parent: Digest, depth: number): Promise<void> {
    if (!isManifestMediaType(child.mediaType)) {
      this.#addBlob(child); // an index may list any content
      return;
    }
    const manifest = await this.#run.source.manifest(this.#repository, child.digest);
    if (manifest) {
      if (manifest.descriptor.size !== child.size) throw this.#invalid(parent, `it gives ${child.digest} a wrong size`);
      return this.#addGraph(manifest, depth + 1);
    }
    const reference = formatName(this.#repository.name, child.digest);
    const message = `${reference}, a part of index ${parent}, is not at the source`;
    throw new MirrorError("IMAGE_NOT_FOUND", message, { reference });
  }

  /** Whether the blob is new here. */
  #addBlob({ digest, size, mediaType }: Descriptor): boolean {
    const known = this.#blobs.get(digest);
    if (known && known.size !== size) throw this.#invalid(digest, `it is given both ${known.size} and ${size} bytes`);
    if (known || this.#earlierBlobs.has(digest)) return false;
    this.#blobs.set(digest, { digest, size, mediaType });
    return true;
  }

  #parse(manifest: Manifest): ReturnType<typeof parseManifest> {
    try {
      return parseManifest(manifest);
    } catch (error) {
      throw sourceError(error, this.#repository.name, manifest.descriptor.digest, this.#run.signal);
    }
  }

  #invalid(digest: Digest, reason: string): MirrorError {
    const reference = formatName(this.#repository.name, digest);
    const details = { side: "source", reference, failure: "invalid", code: "INVALID_MANIFEST" } as const;
    return new MirrorError("TRANSFER_FAILED", `cannot read ${reference}: ${reason}`, details);
  }
}
