import type { CliEvent } from "./cli-event.ts";
import type { Clock } from "./clock.ts";
import type { Colours } from "./colours.ts";
import { escapeControls } from "./escape-controls.ts";
import { type EventLine, eventLine, type LineKind } from "./event-line.ts";
import { LiveBlock } from "./live-block.ts";
import { plainLine } from "./plain-line.ts";
import { progressBlock } from "./progress-block.ts";
import { ProgressState } from "./progress-state.ts";
import type { ProgressKind } from "./terminal.ts";
import type { TextStream } from "./text-stream.ts";

/** How often a block is drawn anew, in milliseconds. */
const redrawMs = 200;

/** A line of progress is told at most every so many milliseconds. */
const lineMs = 5000;

/** As often a line is told though nothing has moved, in milliseconds: the run is alive. */
const aliveMs = 30_000;

/** How {@link Progress} shows what it is told. */
export interface ProgressOptions {
  readonly clock: Clock;
  readonly kind: Exclude<ProgressKind, "auto">;
  /** Only warnings and failures. */
  readonly isQuiet: boolean;
  readonly colours: Colours;
  /** Whether the terminal's text is UTF-8. */
  readonly isUnicode: boolean;
}

/**
 * Tells how far a call is: a block that is redrawn at the bottom of a terminal, or a line now and then; what is finished,
 * warnings and retries at once, as lines that stay.
 */
export class Progress {
  readonly #stream: TextStream;
  readonly #options: ProgressOptions;
  readonly #block: LiveBlock;
  readonly #state: ProgressState;
  #stop: (() => void) | undefined;
  #told: { readonly atMs: number; readonly what: string };

  constructor(stream: TextStream, options: ProgressOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#block = new LiveBlock(stream);
    const nowMs = options.clock.now();
    this.#state = new ProgressState(nowMs);
    this.#told = { atMs: nowMs, what: "" };
  }

  event(event: CliEvent): void {
    this.#state.event(event, this.#options.clock.now());
    const line = eventLine(event);
    if (line && this.#isTold(line.kind)) this.#say(line);
    if (this.#stop || this.#state.activity === undefined) return;
    const { kind, isQuiet, clock } = this.#options;
    if (isQuiet || kind === "none") return;
    this.#stop = kind === "bar" ? clock.every(redrawMs, () => this.#draw()) : clock.every(1000, () => this.#tell());
  }

  /** The run was told to stop, and does so. */
  interrupted(): void {
    if (this.#stop) this.#say({ kind: "note", mark: "", text: "stopping; told once more, it ends at once" });
  }

  /** Takes away what is drawn, until something happens again. The cursor is as it was. */
  end(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#block.clear();
  }

  #isTold(kind: LineKind): boolean {
    return !this.#options.isQuiet || kind === "warning" || kind === "failure";
  }

  #say({ kind, mark, text }: EventLine): void {
    const paint = this.#paintOf(kind);
    const shown = escapeControls(text);
    this.#block.say(mark === "" ? paint(shown) : `${paint(mark)}${shown}`);
  }

  #paintOf(kind: LineKind): (text: string) => string {
    const { colours } = this.#options;
    if (kind === "warning") return colours.yellow;
    if (kind === "failure") return colours.red;
    return kind === "note" ? colours.dim : String;
  }

  #draw(): void {
    const { columns = 80, rows = 24 } = this.#stream;
    const { clock, colours, isUnicode } = this.#options;
    this.#block.draw(progressBlock(this.#state, clock.now(), { colours, isUnicode, columns, rows }));
  }

  #tell(): void {
    const nowMs = this.#options.clock.now();
    const { activity, items, images, doneBytes, plannedBytes, tally } = this.#state;
    const what = [activity, items, images, doneBytes, plannedBytes, tally].join(" ");
    if (nowMs - this.#told.atMs < (what === this.#told.what ? aliveMs : lineMs)) return;
    const line = plainLine(this.#state, nowMs);
    if (line === undefined) return;
    this.#told = { atMs: nowMs, what };
    this.#stream.write(`${line}\n`);
  }
}
