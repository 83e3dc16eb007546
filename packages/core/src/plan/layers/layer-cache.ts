import type { Digest } from "@tranship/registry";
import type { LayerFindings } from "./file-search.ts";

/** Findings kept at hand: many images share their lower layers. */
const maxEntries = 4096;

/** Bytes of the files in them; what images share rarely holds any. */
const defaultMaxFileBytes = 16 * 1024 * 1024;

/** Remembers what layers said, so that a layer many images share is read once for them all. */
export class LayerCache {
  readonly #findings = new Map<string, Promise<LayerFindings>>();
  /** Bytes of the files in findings that are known, by their keys. */
  readonly #fileBytes = new Map<string, number>();
  readonly #maxFileBytes: number;
  #heldBytes = 0;

  /** Findings with more than `maxFileBytes` of files altogether are forgotten, the oldest first. */
  constructor(maxFileBytes: number = defaultMaxFileBytes) {
    this.#maxFileBytes = maxFileBytes;
  }

  /**
   * What the layer says about `paths`, by `scan` unless it is known. A scan that fails is not remembered, and whoever
   * waited for another's scans for itself: what failed may be the other's repository.
   * @internal
   */
  find(layer: Digest, paths: readonly string[], scan: () => Promise<LayerFindings>): Promise<LayerFindings> {
    const key = `${layer}\0${[...paths].sort().join("\0")}`;
    const known = this.#findings.get(key);
    if (known) return known.catch(() => this.find(layer, paths, scan));
    const findings = scan();
    this.#findings.set(key, findings);
    findings.then(
      ({ found }) => this.#findings.get(key) === findings && this.#hold(key, found),
      () => this.#findings.get(key) === findings && this.#findings.delete(key),
    );
    this.#forgetOldest(this.#findings, () => this.#findings.size > maxEntries);
    return findings;
  }

  #hold(key: string, found: LayerFindings["found"]): void {
    const bytes = [...found.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (bytes === 0) return;
    this.#fileBytes.set(key, bytes);
    this.#heldBytes += bytes;
    this.#forgetOldest(this.#fileBytes, () => this.#heldBytes > this.#maxFileBytes);
  }

  #forgetOldest(among: ReadonlyMap<string, unknown>, isTooMuch: () => boolean): void {
    for (const key of among.keys()) {
      if (!isTooMuch()) return;
      this.#findings.delete(key);
      this.#heldBytes -= this.#fileBytes.get(key) ?? 0;
      this.#fileBytes.delete(key);
    }
  }
}
