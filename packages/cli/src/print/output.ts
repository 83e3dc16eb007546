import { diagnose } from "../diagnosis/diagnose.ts";
import type { CliEvent } from "./cli-event.ts";
import { formatFailure } from "./failure.ts";
import { Progress } from "./progress.ts";
import type { TextStream } from "./text-stream.ts";

/** What the program says: results on standard output, everything on the way on standard error. */
export interface Output {
  /** Told which command runs, before it does: what is said of a failure speaks of that command. */
  begin(command: string): void;
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
  #command: string | undefined;

  constructor(stdout: TextStream, stderr: TextStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#progress = new Progress(stderr);
  }

  begin(command: string): void {
    this.#command = command;
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
    this.#stderr.write(formatFailure(diagnose(error, this.#command)));
  }
}

/** Output for machines: one JSON object a line on `stdout`, the report or the failure last; people read `stderr`. */
export class JsonOutput implements Output {
  readonly #stdout: TextStream;
  readonly #stderr: TextStream;
  #command: string | undefined;

  constructor(stdout: TextStream, stderr: TextStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  begin(command: string): void {
    this.#command = command;
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
    const failure = diagnose(error, this.#command);
    this.#line({ type: "failure", ...failure });
    this.#stderr.write(`tranship: ${failure.message}\n`);
  }

  #line(value: object): void {
    this.#stdout.write(`${JSON.stringify(value)}\n`);
  }
}
