import type { Digest } from "@tranship/registry";
import type { LayerFindings } from "./file-search.ts";

/** Findings kept at hand: many images share their lower layers. */
const maxEntries = 4096;

/** Remembers what layers said, so that a layer many images share is read once for them all. */
export class LayerCache {
  readonly #findings = new Map<string, Promise<LayerFindings>>();

  /**
   * What the layer says about `paths`, by `scan` unless it is known. A scan that fails is not remembered, and whoever
   * waited for another's scans for itself: what failed may be the other's repository.
   */
  find(layer: Digest, paths: readonly string[], scan: () => Promise<LayerFindings>): Promise<LayerFindings> {
    const key = `${layer}\0${[...paths].sort().join("\0")}`;
    const known = this.#findings.get(key);
    if (known) return known.catch(() => this.find(layer, paths, scan));
    const findings = scan();
    this.#findings.set(key, findings);
    findings.catch(() => this.#findings.delete(key));
    const [oldest] = this.#findings.keys();
    if (this.#findings.size > maxEntries && oldest !== undefined) this.#findings.delete(oldest);
    return findings;
  }
}
