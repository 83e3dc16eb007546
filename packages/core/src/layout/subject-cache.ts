import type { Digest } from "@tranship/registry";

/** Digests remembered at most; beyond, manifests are read each time they are asked about. */
const maxEntries = 100_000;

/**
 * Which subject each manifest names, so that listing referrers reads no manifest twice that is none of them. Never
 * wrong: a manifest of the same digest names the same subject.
 */
export class SubjectCache {
  readonly #subjects: Map<Digest, Digest | undefined> = new Map();

  /** Whether the manifest may name `subject`; it has to be read to be sure. */
  mayName(manifest: Digest, subject: Digest): boolean {
    return !this.#subjects.has(manifest) || this.#subjects.get(manifest) === subject;
  }

  note(manifest: Digest, subject: Digest | undefined): void {
    // A full cache keeps what it has: what is asked is always the whole list, which would push itself out.
    if (this.#subjects.size < maxEntries) this.#subjects.set(manifest, subject);
  }
}
