import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** A command that was run, or something that was compared, as the page shows it. */
export type Entry =
  | { readonly type: "command"; readonly text: string; readonly output: string }
  | { readonly type: "check"; readonly text: string; readonly isGood: boolean };

/** Options of {@link Shell}. */
export interface ShellOptions {
  /** Programs by name; what is not here is looked for in `PATH`. */
  readonly programs: ReadonlyMap<string, string>;
  /** Where programs run. */
  readonly folder: string;
  /** All that programs are told of this machine. */
  readonly environment: NodeJS.ProcessEnv;
  /** Texts that differ from run to run, with what the page shows for them. */
  readonly names: readonly (readonly [text: string, shown: string])[];
}

/** Runs other people's programs and keeps what a reader would have seen in a terminal. */
export class Shell {
  readonly entries: Entry[] = [];
  readonly #options: ShellOptions;

  constructor(options: ShellOptions) {
    this.#options = options;
  }

  /** Runs a program to its end and gives what it printed. @throws Error with the program's complaint when it fails */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    return await this.#run([program, ...args], { isShown: true });
  }

  /** Like {@link run}, for programs that tell of their progress, in any order: the page does not show it. */
  async runSilently(program: string, ...args: readonly string[]): Promise<void> {
    await this.#run([program, ...args], { isShown: false });
  }

  async #run([program, ...args]: readonly [string, ...string[]], { isShown }: { isShown: boolean }): Promise<string> {
    const { programs, environment, folder } = this.#options;
    const path = programs.get(program) ?? program;
    const text = this.#shown([program, ...args].map(quoted).join(" "));
    try {
      const env = { PATH: process.env.PATH, ...environment };
      const { stdout } = await execute(path, [...args], { cwd: folder, env, timeout: 60_000, maxBuffer: 8 << 20 });
      this.entries.push({ type: "command", text, output: isShown ? this.#shown(stdout) : "" });
      return stdout.trim();
    } catch (error) {
      const { stderr = "", message } = error as Error & { stderr?: string };
      const complaint = this.#shown(stderr.trim() || message);
      this.entries.push({ type: "command", text, output: complaint });
      throw new Error(`${text}: ${complaint}`, { cause: error });
    }
  }

  /** Writes down whether two things are the same. @throws Error when they are not */
  same(what: string, actual: unknown, expected: unknown): void {
    const isGood = JSON.stringify(actual) === JSON.stringify(expected);
    this.entries.push({ type: "check", text: isGood ? `${what}: ${this.#shown(brief(actual))}` : what, isGood });
    if (!isGood) throw new Error(`${what}: ${brief(actual)} is not ${brief(expected)}`);
  }

  /** Writes down whether nothing was found any more. @throws Error when something was */
  gone(what: string, found: unknown): void {
    const isGood = found === undefined;
    this.entries.push({ type: "check", text: what, isGood });
    if (!isGood) throw new Error(`${what}: there is ${brief(found)}`);
  }

  #shown(text: string): string {
    return this.#options.names.reduce((shown, [found, name]) => shown.replaceAll(found, name), text).trimEnd();
  }
}

function brief(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function quoted(word: string): string {
  return /^[\w@%+=:,./$-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
