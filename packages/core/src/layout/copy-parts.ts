import {
  type Blob,
  childBlobs,
  childManifests,
  type Digest,
  isManifestMediaType,
  type Manifest,
  parseManifest,
  RegistryError,
  type RepositoryReader,
  type RepositoryWriter,
} from "@tranship/registry";
import { runSteps, type Step } from "../transfer/run-steps.ts";
import type { Image } from "./image.ts";

/** Blobs and manifests copied at a time. */
const inFlight = 4;

/** Nested indexes deeper than this are refused. */
const maxDepth = 8;

/**
 * Copies all that an image's manifest leads to, leaves first, and not the manifest itself.
 * @throws RegistryError what reading the image's repository or writing to `target` does
 */
export async function copyParts(image: Image, target: RepositoryWriter, signal?: AbortSignal): Promise<void> {
  const parts = new Parts(image.repository, target);
  await parts.addChildren(image.manifest, 0, signal);
  await runSteps(parts.steps.values(), { inFlight, signal });
}

class Parts {
  readonly #source: RepositoryReader;
  readonly #target: RepositoryWriter;
  readonly steps: Map<Digest, Step> = new Map();

  constructor(source: RepositoryReader, target: RepositoryWriter) {
    this.#source = source;
    this.#target = target;
  }

  /** Adds the steps for what a manifest needs; gives their names. */
  async addChildren(manifest: Manifest, depth: number, signal?: AbortSignal): Promise<readonly Digest[]> {
    if (depth > maxDepth) {
      const { digest } = manifest.descriptor;
      const reason = `its indexes are nested more than ${maxDepth} deep`;
      throw new RegistryError("INVALID_MANIFEST", `cannot copy ${digest}: ${reason}`, { reference: digest, reason });
    }
    const content = parseManifest(manifest);
    const blobs = [
      ...childBlobs(content),
      ...childManifests(content).filter((child) => !isManifestMediaType(child.mediaType)),
    ];
    for (const blob of blobs) this.#addBlob(blob);
    const needs = blobs.map(({ digest }) => digest);
    for (const child of childManifests(content)) {
      if (!isManifestMediaType(child.mediaType)) continue;
      needs.push(child.digest);
      if (this.steps.has(child.digest)) continue;
      const stored = await this.#source.manifest(child.digest, { signal });
      const childNeeds = await this.addChildren(stored, depth + 1, signal);
      this.#add(child.digest, childNeeds, (running) => this.#target.pushManifest(stored, { signal: running }));
    }
    return needs;
  }

  #addBlob({ digest, size }: Blob): void {
    const blob = { digest, size };
    this.#add(digest, [], async (signal) => {
      await this.#target.pushBlob(blob, (offset) => this.#source.fetchBlob(blob, { offset, signal }), { signal });
    });
  }

  #add(id: Digest, needs: readonly Digest[], run: Step["run"]): void {
    if (!this.steps.has(id)) this.steps.set(id, { id, needs: [...new Set(needs)], run });
  }
}
