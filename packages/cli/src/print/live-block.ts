import { stripVTControlCharacters } from "node:util";
import { createLogUpdate } from "log-update";
import type { TextStream } from "./text-stream.ts";

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
const eraseLineAndGoUp = "\u001b[2K\u001b[1A";

/**
 * Lines at the bottom of a terminal that are drawn over and over, and lines that stay, above them. Line widths are counted
 * in characters: lines of the block are of characters that take one column.
 */
export class LiveBlock {
  readonly #stream: TextStream;
  readonly #update: ReturnType<typeof createLogUpdate>;
  #lines: readonly string[] = [];
  #columns: number | undefined;

  constructor(stream: TextStream) {
    this.#stream = stream;
    // It hides the cursor of the process's own terminal; this block is on the terminal it was given.
    this.#update = createLogUpdate(stream as NodeJS.WritableStream, { showCursor: true });
  }

  /** Draws these lines in place of those that are there. */
  draw(lines: readonly string[]): void {
    if (lines.length === 0) {
      this.clear();
      return;
    }
    if (this.#columns !== this.#stream.columns) this.#erase();
    if (this.#lines.length === 0) this.#stream.write(hideCursor);
    this.#columns = this.#stream.columns;
    this.#lines = lines;
    this.#update(lines.join("\n"));
  }

  /** Writes a line that stays; the block moves down. */
  say(line: string): void {
    const lines = this.#lines;
    this.#erase();
    this.#stream.write(`${line}\n`);
    if (lines.length === 0) return;
    this.#lines = lines;
    this.#columns = this.#stream.columns;
    this.#update(lines.join("\n"));
  }

  /** Takes the block away, and gives the cursor back. */
  clear(): void {
    if (this.#lines.length === 0) return;
    this.#erase();
    this.#stream.write(showCursor);
  }

  /**
   * A terminal that has become narrower since the last drawing has broken the lines anew; what does not fit a row takes
   * more of them, and all those have to go.
   */
  #erase(): void {
    const { columns = 80 } = this.#stream;
    const isNarrower = this.#columns !== undefined && columns < this.#columns;
    const rows = isNarrower
      ? this.#lines.reduce(
          (sum, line) => sum + Math.max(0, Math.ceil(stripVTControlCharacters(line).length / columns) - 1),
          0,
        )
      : 0;
    if (this.#lines.length > 0) {
      this.#update.clear();
      if (rows > 0) this.#stream.write(`${eraseLineAndGoUp.repeat(rows)}\u001b[2K\u001b[G`);
    }
    this.#lines = [];
    this.#columns = undefined;
  }
}
