import type { LayerEntry } from "../layer-archive/layer-entry.ts";
import type { TreeMerger } from "./tree/tree-merger.ts";

/** Brings the entries of layers that are read side by side to the merger in the order of the layers. */
export class MergeTurns {
  readonly #merger: TreeMerger;
  readonly #layers: number;
  /** Of layers whose turn has not come: what was read of them. */
  readonly #waiting = new Map<number, (readonly LayerEntry[])[]>();
  readonly #ended = new Set<number>();
  #due = -1;

  constructor(merger: TreeMerger, layers: number) {
    this.#merger = merger;
    this.#layers = layers;
    this.#next();
  }

  /** Takes entries of a layer; those of one layer come in its order. @throws RootfsError as the merger does */
  push(layer: number, entries: readonly LayerEntry[]): void {
    const batches = this.#waiting.get(layer);
    if (layer === this.#due) this.#apply(entries);
    else if (batches) batches.push(entries);
    else this.#waiting.set(layer, [entries]);
  }

  /** A layer has no more entries. @throws RootfsError as the merger does */
  end(layer: number): void {
    this.#ended.add(layer);
    while (this.#ended.has(this.#due)) {
      this.#merger.endLayer();
      this.#next();
    }
  }

  #next(): void {
    this.#due += 1;
    if (this.#due >= this.#layers) return;
    this.#merger.beginLayer(this.#due);
    const batches = this.#waiting.get(this.#due) ?? [];
    this.#waiting.delete(this.#due);
    for (const batch of batches) this.#apply(batch);
  }

  #apply(entries: readonly LayerEntry[]): void {
    for (const entry of entries) this.#merger.apply(entry);
  }
}
