import { Choice } from "../random-choice.ts";
import { describeGrowing, type GrowingInput, growingInput, grown, simplerGrowing } from "./growth.ts";
import { keptInputs } from "./kept-inputs.ts";
import { minimized } from "./minimize.ts";
import { mutateText, someWords } from "./mutate-text.ts";
import { Fault } from "./oracle.ts";
import { PrototypeGuard } from "./prototype-guard.ts";
import type { FuzzTarget } from "./target.ts";

/** Options of {@link runTarget}. */
export interface RunTargetOptions {
  readonly runs: number;
  /** Of the first input; the next one has the next. */
  readonly seed: number;
  /** Of how many inputs one is made to grow, up to a few kilobytes. @defaultValue 400 */
  readonly growEvery?: number;
  /** Of how many growing inputs one grows to the target's full length. @defaultValue 20 */
  readonly growFullyEvery?: number;
  /** The most memory the process may come to, in bytes. @defaultValue 1.5 GiB */
  readonly maxRssBytes?: number;
  /** Told of every fault, each kind once; without it the first is thrown. */
  readonly onFault?: ((message: string) => void) | undefined;
}

/** What became of the inputs of one target. */
export interface TargetReport {
  readonly target: string;
  readonly runs: number;
  readonly accepted: number;
  readonly refused: number;
  /** Inputs that were made longer and longer, and the length of the longest, in characters. */
  readonly grown: number;
  readonly longest: number;
  readonly faults: number;
  /** The slowest input that was not made to grow, in milliseconds. */
  readonly slowestMs: number;
}

const baseMs = 60;
const partlyGrownLength = 8 * 1024;
const shortestGrownLength = 256;

/** Lets a parser at its kept inputs and at `runs` others. @throws Error for the first fault, unless `onFault` is given */
export async function runTarget(target: FuzzTarget, options: RunTargetOptions): Promise<TargetReport> {
  const run = new TargetRun(target, options);
  await run.keptOnes();
  for (let at = 0; at < options.runs; at += 1) await run.one(options.seed + at);
  return run.report();
}

class TargetRun {
  readonly #target: FuzzTarget;
  readonly #options: RunTargetOptions;
  readonly #kept: readonly string[];
  readonly #guard = new PrototypeGuard();
  readonly #kinds = new Set<string>();
  #accepted = 0;
  #refused = 0;
  #grown = 0;
  #longest = 0;
  #faults = 0;
  #slowestMs = 0;

  constructor(target: FuzzTarget, options: RunTargetOptions) {
    this.#target = target;
    this.#options = options;
    this.#kept = keptInputs(target);
  }

  async keptOnes(): Promise<void> {
    for (const input of this.#kept) await this.#judge(input, "a kept input");
  }

  async one(seed: number): Promise<void> {
    const { growEvery = 400, growFullyEvery = 20, maxRssBytes = 1.5 * 2 ** 30 } = this.#options;
    const choice = new Choice(seed);
    if (choice.below(growEvery) === 0) {
      const isFull = choice.below(growFullyEvery) === 0;
      const { shape } = this.#target;
      const isShaped = shape !== undefined && choice.happens(0.3);
      const growing = isShaped ? shape(choice) : growingInput(this.#target, choice.of(this.#kept), choice);
      await this.#grow(growing, isFull ? this.#target.maxLength : partlyGrownLength, seed);
      if (process.memoryUsage.rss() > maxRssBytes)
        throw new Error(`memory grew over ${maxRssBytes} bytes at seed ${seed}`);
      return;
    }
    await this.#judge(this.#input(choice), `--runs 1 --seed ${seed}`);
  }

  report(): TargetReport {
    this.#guard.requireAllUntouched();
    return {
      target: this.#target.name,
      runs: this.#options.runs,
      accepted: this.#accepted,
      refused: this.#refused,
      grown: this.#grown,
      longest: this.#longest,
      faults: this.#faults,
      slowestMs: this.#slowestMs,
    };
  }

  #input(choice: Choice): string {
    const { mutate, make } = this.#target;
    const way = choice.below(10);
    if (way < 2) return make ? make(choice) : someWords(this.#target, choice);
    const sample = choice.of(this.#kept);
    if (mutate && way < 6) return mutate(sample, choice);
    const base = mutate && way === 6 ? mutate(sample, choice) : way === 7 && make ? make(choice) : sample;
    return mutateText(base, choice.of(this.#kept), this.#target, choice);
  }

  async #judge(input: string, what: string): Promise<void> {
    const startedMs = performance.now();
    const fault = await this.#faultOf(input);
    const ms = performance.now() - startedMs;
    if (fault !== undefined) return await this.#tell(input, fault, what);
    if (ms > this.#limitMs(input)) {
      const again = await this.#msOf(input);
      if (again > this.#limitMs(input)) {
        return await this.#tell(
          input,
          new Fault(`it took ${Math.round(again)} ms for ${input.length} characters`),
          what,
        );
      }
    }
    if (ms > this.#slowestMs) this.#slowestMs = ms;
  }

  /** What went wrong, if anything. */
  async #faultOf(input: string, isCounted = true): Promise<Error | undefined> {
    try {
      const verdict = this.#target.judge(input);
      const isAccepted = typeof verdict === "boolean" ? verdict : await verdict;
      this.#guard.requireUntouched();
      if (!isCounted) return undefined;
      if (isAccepted) this.#accepted += 1;
      else this.#refused += 1;
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Fault(`${String(error)} was thrown`);
    }
  }

  /** Longer and longer: time that grows faster than the input is seen before it takes minutes. */
  async #grow(growing: GrowingInput, maxLength: number, seed: number): Promise<void> {
    this.#grown += 1;
    for (let length = shortestGrownLength; length <= maxLength; length *= 2) {
      const input = grown(growing, length);
      if (input.length > 2 * maxLength) return;
      this.#longest = Math.max(this.#longest, input.length);
      const isSlow = await this.#isSlow(input);
      const fault = await this.#faultOf(input, false);
      if (!isSlow && !fault) continue;
      this.#faults += 1;
      const isStill = async (other: GrowingInput) => {
        const text = grown(other, length);
        return isSlow ? await this.#isSlow(text) : (await this.#faultOf(text, false)) !== undefined;
      };
      const simplest = await simplified(growing, isStill);
      const why = isSlow ? `${Math.round(await this.#msOf(grown(simplest, length)))} ms` : String(fault);
      this.#say(
        isSlow ? "growing slow" : `growing ${kindOf(fault ?? new Fault("gone"))}`,
        `--target ${this.#target.name} --runs 1 --seed ${seed}: ${why} at ${length} characters: ${describeGrowing(simplest)}`,
        fault,
      );
      return;
    }
  }

  async #isSlow(input: string): Promise<boolean> {
    const limitMs = this.#limitMs(input);
    for (let left = 3; left > 0; left -= 1) if ((await this.#msOf(input)) <= limitMs) return false;
    return true;
  }

  async #msOf(input: string): Promise<number> {
    const startedMs = cpuMs();
    await this.#faultOf(input, false);
    return cpuMs() - startedMs;
  }

  #limitMs(input: string): number {
    return baseMs + (input.length * (this.#target.nsPerCharacter ?? 2000)) / 1e6;
  }

  async #tell(input: string, fault: Error, what: string): Promise<void> {
    this.#faults += 1;
    const kind = kindOf(fault);
    if (this.#kinds.has(kind)) return;
    const isSame = async (other: string) => {
      const found = await this.#faultOf(other, false);
      return found !== undefined && kindOf(found) === kind;
    };
    const smallest = (await isSame(input)) ? await minimized(input, isSame) : input;
    const found = (await this.#faultOf(smallest, false)) ?? fault;
    this.#say(
      kind,
      `--target ${this.#target.name} ${what}: ${JSON.stringify(smallest.slice(0, 2000))}: ${found.stack?.slice(0, 1200)}`,
      found,
    );
  }

  #say(kind: string, message: string, cause: Error | undefined): void {
    if (!this.#options.onFault) throw new Error(message, { cause });
    if (this.#kinds.has(kind)) return;
    this.#kinds.add(kind);
    this.#options.onFault(message);
  }
}

/** What this thread has computed, in milliseconds: other programs and threads of this machine do not count. */
function cpuMs(): number {
  const usage = typeof process.threadCpuUsage === "function" ? process.threadCpuUsage() : process.cpuUsage();
  return usage.user / 1000;
}

/** Faults of one kind are told once: those with the same words, whatever they quote. */
function kindOf({ name, message }: Error): string {
  return `${name}: ${message.replace(/"(?:[^"\\]|\\.)*"|[0-9]+/g, "…").slice(0, 60)}`;
}

async function simplified(
  growing: GrowingInput,
  isStill: (growing: GrowingInput) => Promise<boolean>,
): Promise<GrowingInput> {
  let simplest = growing;
  for (let trials = 0; trials < 60; ) {
    let next: GrowingInput | undefined;
    for (const simpler of simplerGrowing(simplest)) {
      trials += 1;
      if (await isStill(simpler)) next = simpler;
      if (next || trials >= 60) break;
    }
    if (!next) return simplest;
    simplest = next;
  }
  return simplest;
}
