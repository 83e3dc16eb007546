import type { CliEvent } from "./cli-event.ts";
import { diagnose } from "./failure.ts";
import { Progress } from "./progress.ts";
import type { TextStream } from "./text-stream.ts";

/** What the program says: results on standard output, everything on the way on standard error. */
export interface Output {
  /** Progress of a call. */
  event(event: CliEvent): void;
  /** Something to know before the command ends: an event for machines, a line among the results for people. */
  announce(event: CliEvent, text: string): void;
  /** The end of a command: plain data for machines, text for people. */
  report(command: string, data: Readonly<Record<string, unknown>>, text: string): void;
  /** Text on standard output as it is. */
  text(text: string): void;
  failure(error: unknown): void;
}

/** Output for people: a result on `stdout`, progress and failures on `stderr`. */
export class HumanOutput implements Output {
  readonly #stdout: TextStream;
  readonly #stderr: TextStream;
  readonly #progress: Progress;

  constructor(stdout: TextStream, stderr: TextStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#progress = new Progress(stderr);
  }

  event(event: CliEvent): void {
    this.#progress.event(event);
  }

  announce(_event: CliEvent, text: string): void {
    this.#progress.end();
    this.#stdout.write(`${text}\n`);
  }

  report(_command: string, _data: Readonly<Record<string, unknown>>, text: string): void {
    this.#progress.end();
    this.#stdout.write(`${text}\n`);
  }

  text(text: string): void {
    this.#progress.end();
    this.#stdout.write(text);
  }

  failure(error: unknown): void {
    this.#progress.end();
    const { message, advice } = diagnose(error);
    this.#stderr.write(`tranship: ${message}\n${advice === undefined ? "" : `  ${advice}\n`}`);
  }
}

/** Output for machines: one JSON object a line on `stdout`, the report or the failure last; people read `stderr`. */
export class JsonOutput implements Output {
  readonly #stdout: TextStream;
  readonly #stderr: TextStream;

  constructor(stdout: TextStream, stderr: TextStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  event(event: CliEvent): void {
    this.#line(event);
  }

  announce(event: CliEvent, _text: string): void {
    this.#line(event);
  }

  report(command: string, data: Readonly<Record<string, unknown>>, _text: string): void {
    this.#line({ type: "report", command, ...data });
  }

  text(text: string): void {
    this.#stdout.write(text);
  }

  failure(error: unknown): void {
    const { code, message, advice, details } = diagnose(error);
    this.#line({ type: "failure", code, message, details, ...(advice === undefined ? {} : { advice }) });
    this.#stderr.write(`tranship: ${message}\n`);
  }

  #line(value: object): void {
    this.#stdout.write(`${JSON.stringify(value)}\n`);
  }
}
