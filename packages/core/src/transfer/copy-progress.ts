import type { PushOutcome } from "@tranship/registry";
import { compareText } from "../layout/index-file.ts";
import type { CopyTotals, RepositoryTotals } from "./copy-steps.ts";

type Counted = PushOutcome | "manifests";

/** What a run has copied so far. Several {@link CopySteps} one after another may share it: none does again what is done. */
export class CopyProgress {
  readonly #done = new Set<string>();
  readonly #blobs = { written: 0, mounted: 0, present: 0 };
  readonly #bytes = { written: 0, mounted: 0, present: 0, manifests: 0 };
  readonly #repositories = new Map<string, Record<Counted, number>>();

  /** What the steps that have run by now did. */
  get totals(): CopyTotals {
    const { written: uploaded, mounted, present, manifests } = this.#bytes;
    return { blobs: { ...this.#blobs }, bytes: { uploaded, mounted, present, manifests } };
  }

  /** What the steps that have run by now brought, by repository, in the order of paths; without those that got nothing. */
  get repositories(): readonly RepositoryTotals[] {
    return [...this.#repositories]
      .filter(([, { written, mounted, manifests }]) => written + mounted + manifests > 0)
      .sort(([a], [b]) => compareText(a, b))
      .map(([path, { written, mounted, manifests }]) => {
        return { path, uploadedBytes: written, mountedBytes: mounted, manifestBytes: manifests };
      });
  }

  /** Whether a step of that id has come to a good end. */
  isDone(step: string): boolean {
    return this.#done.has(step);
  }

  finish(step: string): void {
    this.#done.add(step);
  }

  countBlob(path: string, outcome: PushOutcome, bytes: number): void {
    this.#blobs[outcome] += 1;
    this.#count(path, outcome, bytes);
  }

  countManifest(path: string, bytes: number): void {
    this.#count(path, "manifests", bytes);
  }

  #count(path: string, what: Counted, bytes: number): void {
    const own = this.#repositories.get(path) ?? { written: 0, mounted: 0, present: 0, manifests: 0 };
    this.#repositories.set(path, own);
    own[what] += bytes;
    this.#bytes[what] += bytes;
  }
}
