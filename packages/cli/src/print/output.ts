import { diagnose } from "../diagnosis/diagnose.ts";
import type { Environment } from "../environment.ts";
import type { ReportName, Reports } from "../output-schema/output-line.ts";
import type { CliEvent } from "./cli-event.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Colours, createColours } from "./colours.ts";
import { escapeControlsOfLines } from "./escape-controls.ts";
import { formatFailure } from "./failure.ts";
import { Progress } from "./progress.ts";
import type { ProgressFlags } from "./progress-flags.ts";
import { hasColours, isUnicode, progressKindFor } from "./terminal.ts";
import type { TextStream } from "./text-stream.ts";

/** What the program says: results on standard output, everything on the way on standard error. */
export interface Output {
  /**
   * Told which command runs, before it does: what is said of a failure speaks of that command; and what it is to tell on the
   * way.
   */
  begin(command: string, flags?: ProgressFlags): void;
  /** Progress of a call. */
  event(event: CliEvent): void;
  /** Something to know before the command ends: an event for machines, a line among the results for people. */
  announce(event: CliEvent, text: string): void;
  /** The end of a command: plain data for machines, text for people. */
  report<Command extends ReportName>(command: Command, data: Reports[Command], text: string): void;
  /** Text on standard output as it is. */
  text(text: string): void;
  /** Bytes on standard output as they are; resolves when more may come. */
  bytes(chunk: Uint8Array): Promise<void>;
  /** The end of a command whose result on standard output is another: for people, beside it. */
  aside(text: string): void;
  failure(error: unknown): void;
  /** The run was told to stop, and is about to. */
  interrupted(): void;
  /** Leaves the terminal as it was; nothing else is said. */
  end(): void;
}

/** What an output knows of where it speaks. */
export interface OutputOptions {
  /** The process's environment: says what its terminal can. @defaultValue none */
  readonly environment?: Environment | undefined;
  /** @defaultValue the machine's */
  readonly clock?: Clock | undefined;
}

/** Output for people: a result on `stdout`, progress and failures on `stderr`. */
export class HumanOutput implements Output {
  readonly #stdout: TextStream;
  readonly #stderr: TextStream;
  readonly #options: OutputOptions;
  readonly #colours: Colours;
  #progress: Progress;
  #command: string | undefined;

  constructor(stdout: TextStream, stderr: TextStream, options: OutputOptions = {}) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#options = options;
    this.#colours = createColours(hasColours(stderr, options.environment ?? {}));
    this.#progress = progressOn(stderr, options);
  }

  begin(command: string, flags: ProgressFlags = {}): void {
    this.#command = command;
    this.#progress.end();
    this.#progress = progressOn(this.#stderr, this.#options, flags);
  }

  event(event: CliEvent): void {
    this.#progress.event(event);
  }

  announce(_event: CliEvent, text: string): void {
    this.#progress.end();
    this.#stdout.write(`${escapeControlsOfLines(text)}\n`);
  }

  report<Command extends ReportName>(_command: Command, _data: Reports[Command], text: string): void {
    this.#progress.end();
    this.#stdout.write(`${escapeControlsOfLines(text)}\n`);
  }

  text(text: string): void {
    this.#progress.end();
    this.#stdout.write(text);
  }

  async bytes(chunk: Uint8Array): Promise<void> {
    this.#progress.end();
    await written(this.#stdout, chunk);
  }

  aside(text: string): void {
    this.#progress.end();
    this.#stderr.write(`${escapeControlsOfLines(text)}\n`);
  }

  failure(error: unknown): void {
    this.#progress.end();
    const { red, dim, bold } = this.#colours;
    this.#stderr.write(formatFailure(diagnose(error, this.#command), { alarm: red, faint: dim, strong: bold }));
  }

  interrupted(): void {
    this.#progress.interrupted();
  }

  end(): void {
    this.#progress.end();
  }
}

/**
 * Output for machines: one JSON object a line on `stdout`, the report or the failure last. People read `stderr`, which tells
 * progress only to those who ask for a kind of it.
 */
export class JsonOutput implements Output {
  readonly #stdout: TextStream;
  readonly #stderr: TextStream;
  readonly #options: OutputOptions;
  #progress: Progress | undefined;
  #command: string | undefined;

  constructor(stdout: TextStream, stderr: TextStream, options: OutputOptions = {}) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#options = options;
  }

  begin(command: string, flags: ProgressFlags = {}): void {
    this.#command = command;
    const { progress = "auto" } = flags;
    this.#progress = progress === "auto" ? undefined : progressOn(this.#stderr, this.#options, flags);
  }

  event(event: CliEvent): void {
    this.#line(event);
    this.#progress?.event(event);
  }

  announce(event: CliEvent, _text: string): void {
    this.end();
    this.#line(event);
  }

  report<Command extends ReportName>(command: Command, data: Reports[Command], _text: string): void {
    this.end();
    this.#line({ type: "report", command, ...data });
  }

  text(text: string): void {
    this.end();
    this.#stdout.write(text);
  }

  async bytes(chunk: Uint8Array): Promise<void> {
    this.end();
    await written(this.#stdout, chunk);
  }

  aside(text: string): void {
    this.end();
    this.#stderr.write(`${escapeControlsOfLines(text)}\n`);
  }

  failure(error: unknown): void {
    this.end();
    const failure = diagnose(error, this.#command);
    this.#line({ type: "failure", ...failure });
    this.#stderr.write(`tranship: ${failure.message}\n`);
  }

  interrupted(): void {
    this.#progress?.interrupted();
  }

  end(): void {
    this.#progress?.end();
  }

  #line(value: object): void {
    this.#stdout.write(`${JSON.stringify(value)}\n`);
  }
}

async function written(stream: TextStream, chunk: Uint8Array): Promise<void> {
  if (stream.write(chunk) === false && stream.once)
    await new Promise<void>((resolve) => stream.once?.("drain", resolve));
}

function progressOn(
  stream: TextStream,
  { environment = {}, clock = systemClock }: OutputOptions,
  { progress = "auto", quiet: isQuiet = false }: ProgressFlags = {},
): Progress {
  return new Progress(stream, {
    clock,
    isQuiet,
    kind: progressKindFor(progress, stream, environment),
    colours: createColours(hasColours(stream, environment)),
    isUnicode: isUnicode(environment),
  });
}
