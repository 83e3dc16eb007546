import type { Digest } from "@tranship/registry";

/** Digests remembered at most, more than an index of the largest size lists; beyond, manifests are read each time they are asked about. */
const maxEntries = 500_000;

/**
 * Which subject each manifest names, so that listing referrers reads no manifest twice that is none of them. Never
 * wrong: a manifest of the same digest names the same subject.
 */
export class SubjectCache {
  readonly #subjects: Map<Digest, Digest | undefined> = new Map();
  readonly #referrers: Map<Digest, Set<Digest>> = new Map();

  /** Whether it is known which subject the manifest names, if any. */
  knows(manifest: Digest): boolean {
    return this.#subjects.has(manifest);
  }

  /** The manifests that are known to name `subject`. */
  referrersOf(subject: Digest): Iterable<Digest> {
    return this.#referrers.get(subject) ?? [];
  }

  note(manifest: Digest, subject: Digest | undefined): void {
    // A full cache keeps what it has: what is asked is always the whole list, which would push itself out.
    if (this.#subjects.size >= maxEntries || this.#subjects.has(manifest)) return;
    this.#subjects.set(manifest, subject);
    if (subject === undefined) return;
    const referrers = this.#referrers.get(subject);
    if (referrers) referrers.add(manifest);
    else this.#referrers.set(subject, new Set([manifest]));
  }
}
