import type { Clock } from "../../packages/cli/src/print/clock.ts";

/** A control sequence, or a character. */
const tokens = new RegExp(`${String.fromCharCode(27)}\\[[?0-9;]*[A-Za-z]|[\\s\\S]`, "gu");

/** A clock that goes on only when it is told to. */
export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #tasks = new Set<{ readonly everyMs: number; dueMs: number; readonly task: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  every(everyMs: number, task: () => void): () => void {
    const entry = { everyMs, dueMs: this.#nowMs + everyMs, task };
    this.#tasks.add(entry);
    return () => this.#tasks.delete(entry);
  }

  /** How many tasks wait for their time. */
  get tasks(): number {
    return this.#tasks.size;
  }

  /** Lets so much time pass; whatever is due meanwhile happens. */
  pass(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#tasks].sort((a, b) => a.dueMs - b.dueMs)[0];
      if (!next || next.dueMs > endMs) break;
      this.#nowMs = next.dueMs;
      next.dueMs += next.everyMs;
      next.task();
    }
    this.#nowMs = endMs;
  }
}

/**
 * A terminal as far as this program uses one: rows of text, a cursor, lines that are broken anew when the width changes. What
 * it does not know it refuses.
 */
export class FakeTerminal {
  readonly isTTY = true;
  /** Everything that was written, as it was. */
  written = "";
  isCursorShown = true;
  rows: number;
  #columns: number;
  #lines: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows = 24) {
    this.#columns = columns;
    this.rows = rows;
  }

  get columns(): number {
    return this.#columns;
  }

  /** Another width. Rows that are too long for it become several, as most terminals do it. */
  resize(columns: number): void {
    this.#columns = columns;
    const below = this.#lines.length - 1 - this.#row;
    this.#lines = this.#lines.flatMap((line) => {
      const pieces = [];
      for (let at = 0; at === 0 || at < line.length; at += columns) pieces.push(line.slice(at, at + columns));
      return pieces;
    });
    this.#row = this.#lines.length - 1 - below;
  }

  /** What is to be seen, without the empty lines at the end. */
  get screen(): readonly string[] {
    const lines = this.#lines.map((line) => line.trimEnd());
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  write(text: string): boolean {
    this.written += text;
    for (const [token] of text.matchAll(tokens)) this.#take(token);
    return true;
  }

  #take(token: string): void {
    const sequence = token.length > 2 ? /^.\[([?0-9;]*)([A-Za-z])$/u.exec(token) : undefined;
    if (sequence) this.#obey(sequence[1] ?? "", sequence[2] ?? "");
    else if (token === "\n") this.#goTo(this.#row + 1, 0);
    else if (token === "\r") this.#column = 0;
    else if (/\p{Cc}/u.test(token)) throw new Error(`not for a terminal: ${JSON.stringify(token)}`);
    else this.#put(token);
  }

  #obey(parameter: string, command: string): void {
    const amount = Number(parameter || "1");
    if (command === "A") this.#goTo(Math.max(0, this.#row - amount), this.#column);
    else if (command === "B") this.#goTo(this.#row + amount, this.#column);
    else if (command === "G") this.#column = amount - 1;
    else if (command === "K") this.#erase(parameter);
    else if (command === "h" || command === "l") {
      if (parameter === "?25") this.isCursorShown = command === "h";
      else if (parameter !== "?2026") throw new Error(`unknown mode ${parameter}`);
    } else if (command !== "m") throw new Error(`unknown sequence ${parameter}${command}`);
  }

  #erase(parameter: string): void {
    const line = this.#lines[this.#row] ?? "";
    this.#lines[this.#row] = parameter === "2" ? "" : line.slice(0, this.#column);
  }

  #goTo(row: number, column: number): void {
    while (this.#lines.length <= row) this.#lines.push("");
    [this.#row, this.#column] = [row, column];
  }

  #put(character: string): void {
    if (this.#column >= this.#columns) this.#goTo(this.#row + 1, 0);
    const line = (this.#lines[this.#row] ?? "").padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column += 1;
  }
}
