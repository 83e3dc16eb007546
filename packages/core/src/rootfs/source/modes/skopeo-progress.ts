import type { PullCounts } from "../../progress/pull-progress.ts";
import { BlobCounts } from "./blob-counts.ts";
import { parseHumanSize } from "./human-size.ts";

const linePattern = /^\s*Copying blob (?:sha256:)?([0-9a-f]{6,128})\b(.*)$/i;
const size = "\\d[\\d.]*\\s*[KMGT]?i?B";
const countPattern = new RegExp(`(${size})\\s*/\\s*(${size})`, "i");

/**
 * Progress from what `skopeo copy` prints: `Copying blob <id> … X / Y` and `Copying blob <id> done`. Without a terminal
 * skopeo prints the ids alone, so that bytes have to be counted elsewhere.
 */
export class SkopeoProgress {
  readonly #counts = new BlobCounts();
  readonly #totalHint: number;

  /** @param totalHint - bytes of all layers as the manifest says, 0 if unknown */
  constructor(totalHint = 0) {
    this.#totalHint = totalHint;
  }

  /** Takes a line; gives the counts if it was one about a blob. */
  takeLine(line: string): PullCounts | undefined {
    const [, id, rest = ""] = linePattern.exec(line) ?? [];
    if (id === undefined) return undefined;
    const [, current, total] = countPattern.exec(rest) ?? [];
    this.#counts.see(id);
    if (current !== undefined && total !== undefined) {
      this.#counts.advance(id, parseHumanSize(current), parseHumanSize(total));
    }
    if (/\bdone\b|already exists/i.test(rest)) this.#counts.complete(id);
    return this.counts();
  }

  /** As of the last line. */
  counts(): PullCounts {
    return this.#counts.counts(this.#totalHint);
  }
}
