import { existsSync, ftruncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod";
import { type MissingReference, missingReferenceSchema } from "../plan/download-list.ts";
import { minChunkBytes } from "../plan/lock-file.ts";
import { archiveNameSchema } from "../plan/names.ts";
import { type Item, itemSchema, type PlannedStep } from "../plan/planner.ts";
import { type Section, sectionSchema } from "../plan/section.ts";
import { FlushBehind } from "./disk/flush-behind.ts";
import { localError, locally } from "./disk/local-error.ts";
import { openOwn, readOwn } from "./disk/own-file.ts";
import { type OnSyncRefused, syncFile, syncFolder } from "./disk/sync-folder.ts";
import { writeWhole } from "./disk/write-whole.ts";

type Line =
  | {
      readonly type: "run";
      readonly version: 1;
      readonly selection: string;
      readonly chunkBytes?: number | undefined;
      readonly restart?: boolean | undefined;
    }
  | { readonly type: "items"; readonly planner: number; readonly items: readonly Item[] }
  | {
      readonly type: "section";
      readonly archive: string;
      readonly index: number;
      readonly section: Section;
      readonly missing: readonly MissingReference[];
    }
  | {
      readonly type: "left";
      readonly archive: string;
      readonly sections: readonly Section[];
      readonly restart?: boolean | undefined;
    };

const lineSchema: z.ZodType<Line> = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("run"),
    version: z.literal(1),
    selection: z.string(),
    chunkBytes: z.number().int().min(minChunkBytes).optional(),
    restart: z.boolean().optional(),
  }),
  z.object({ type: z.literal("items"), planner: z.number().int(), items: z.array(itemSchema) }),
  z.object({
    type: z.literal("section"),
    archive: archiveNameSchema,
    index: z.number().int(),
    section: sectionSchema,
    missing: z.array(missingReferenceSchema),
  }),
  z.object({
    type: z.literal("left"),
    archive: archiveNameSchema,
    sections: z.array(sectionSchema),
    restart: z.boolean().optional(),
  }),
]);

/** Less waits for more, or for the kernel: each time, the last page is written once more. */
const flushBytes = 32 * 1024;

/** What makes two pulls the same one: an interrupted pull is continued only by its like. */
export interface JournalRun {
  /** What was asked for, as text to compare. */
  readonly selection: string;
  /** The size of its archives' chunks, in bytes; without it, they are not split. */
  readonly chunkBytes?: number | undefined;
  /** It believes no archive, also when it is continued by one that would. @defaultValue false */
  readonly restart?: boolean | undefined;
}

/**
 * The plan of a running pull, as far as it is fixed: one JSON line for each decision, written before it takes effect. A pull
 * that is run again takes these decisions over, so it makes the same archives. Lines go to the device while the pull goes on:
 * what a power cut takes of the last ones is decided anew, and bytes that were written by them are used where they fit.
 */
export class Journal implements Disposable {
  readonly #path: string;
  #descriptor: number | undefined;
  #flush: FlushBehind | undefined;
  readonly #onSyncRefused: OnSyncRefused | undefined;
  #wanted: JournalRun = { selection: "" };
  #run: JournalRun | undefined;
  readonly #items = new Map<number, readonly Item[]>();
  readonly #steps = new Map<string, PlannedStep[]>();
  readonly #left = new Map<string, readonly Section[]>();
  /** Archives that a pull which believed none has left as they were. */
  readonly #unbelieved = new Set<string>();
  #end: number;

  private constructor(
    path: string,
    descriptor: number | undefined,
    { lines, end }: ReadLines,
    onSyncRefused: OnSyncRefused | undefined,
  ) {
    this.#path = path;
    this.#end = end;
    this.#onSyncRefused = onSyncRefused;
    if (descriptor !== undefined) this.#use(descriptor);
    for (const line of lines) this.#learn(line);
  }

  /** Opens the journal of a bundle; the file is made with its first line. A torn last line is cut off. @throws MirrorError `FILE_FAILED` */
  static open(path: string, onSyncRefused?: OnSyncRefused): Journal {
    const read = readLines(path);
    if (!existsSync(path)) return new Journal(path, undefined, read, onSyncRefused);
    return locally(path, () => {
      const descriptor = openOwn(path, "existing");
      ftruncateSync(descriptor, read.end);
      return new Journal(path, descriptor, read, onSyncRefused);
    });
  }

  /** A journal that begins anew. What its file holds stays until the first line takes its place: a journal is what tells an unfinished bundle. */
  static fresh(path: string, onSyncRefused?: OnSyncRefused): Journal {
    return new Journal(path, undefined, { lines: [], end: 0 }, onSyncRefused);
  }

  /** Reads the journal of a bundle without changing it; one that is not there is empty. @throws MirrorError `FILE_FAILED` */
  static read(path: string): Journal {
    return new Journal(path, undefined, readLines(path), undefined);
  }

  /** What the pull was asked for; `undefined` before the first run. */
  get run(): JournalRun | undefined {
    return this.#run;
  }

  /** The items planner number `planner` listed, if it has. */
  items(planner: number): readonly Item[] | undefined {
    return this.#items.get(planner);
  }

  /** The steps fixed so far for an archive. */
  steps(archive: string): readonly PlannedStep[] {
    return this.#steps.get(archive) ?? [];
  }

  /** Every archive with fixed steps. */
  archives(): ReadonlyMap<string, readonly PlannedStep[]> {
    return this.#steps;
  }

  /** What a pull that went on without these archives has left of them: bytes at hand, and nothing that is decided. */
  left(): ReadonlyMap<string, readonly Section[]> {
    return this.#left;
  }

  /** Whether this pull takes a finished archive of that name for what it says it is. */
  believes(archive: string): boolean {
    return !this.#run?.restart && !this.#wanted.restart && !this.#unbelieved.has(archive);
  }

  /**
   * Ends the pull, but for what is known of the bytes of these archives: they are planned anew when it is run again, and
   * those that this pull would have written again still are. Gives those of which anything is known. Nothing can be added
   * afterwards.
   */
  leave(archives: Iterable<string>): ReadonlySet<string> {
    const left = [...archives].flatMap((archive): Extract<Line, { readonly type: "left" }>[] => {
      const steps = this.#steps.get(archive)?.map(({ section }) => section);
      const sections = steps ?? this.#left.get(archive);
      const restart = !this.believes(archive);
      return sections || restart ? [{ type: "left", archive, sections: [...(sections ?? [])], restart }] : [];
    });
    const run = { ...(this.#run ?? this.#wanted), restart: undefined }; // what is finished has been written again
    const lines: Line[] = [{ type: "run", version: 1, ...run }, ...left];
    this[Symbol.dispose]();
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    if (left.length > 0) writeWhole(this.#path, text, { onSyncRefused: this.#onSyncRefused });
    return new Set(left.map(({ archive }) => archive));
  }

  /** What the pull asks for. Written down with the first items: until then, nothing has been decided. */
  want(run: JournalRun): void {
    this.#wanted = run;
  }

  fixItems(planner: number, items: readonly Item[]): void {
    if (this.#run === undefined) {
      const descriptor = this.#append({ type: "run", version: 1, ...this.#wanted });
      syncFile(descriptor, this.#path, this.#onSyncRefused);
      syncFolder(dirname(this.#path), this.#onSyncRefused);
    }
    this.#append({ type: "items", planner, items: [...items] });
  }

  fixStep(archive: string, { section, missing }: PlannedStep): void {
    this.#append({ type: "section", archive, index: this.steps(archive).length, section, missing: [...missing] });
  }

  /** Waits until the device has all of it. @throws MirrorError `FILE_FAILED`, `NO_SPACE`, of any line before */
  async settled(): Promise<void> {
    await this.#flush?.finish();
  }

  #append(line: Line): number {
    const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
    const descriptor = this.#descriptor ?? this.#use(locally(this.#path, () => openOwn(this.#path, "fresh")));
    locally(this.#path, () => {
      for (let done = 0; done < bytes.byteLength; ) {
        done += writeSync(descriptor, bytes, done, bytes.byteLength - done, this.#end + done);
      }
    });
    this.#flush?.wrote(bytes.byteLength);
    this.#end += bytes.byteLength;
    this.#learn(line);
    return descriptor;
  }

  #use(descriptor: number): number {
    this.#descriptor = descriptor;
    this.#flush = new FlushBehind(descriptor, this.#path, flushBytes, this.#onSyncRefused);
    return descriptor;
  }

  #learn(line: Line): void {
    if (line.type === "run") {
      this.#run = { selection: line.selection, chunkBytes: line.chunkBytes, restart: line.restart };
    } else if (line.type === "items") this.#items.set(line.planner, line.items);
    else if (line.type === "left") {
      this.#left.set(line.archive, line.sections);
      if (line.restart) this.#unbelieved.add(line.archive);
    } else {
      const steps = this.#steps.get(line.archive) ?? [];
      this.#steps.set(line.archive, steps);
      steps[line.index] = { section: line.section, missing: line.missing };
    }
  }

  [Symbol.dispose](): void {
    this.#flush?.[Symbol.dispose]();
    this.#flush = undefined;
    this.#descriptor = undefined;
  }
}

interface ReadLines {
  readonly lines: readonly Line[];
  /** Where the last of them ends. */
  readonly end: number;
}

function readLines(path: string): ReadLines {
  let bytes: Buffer;
  try {
    bytes = readOwn(path, Number.MAX_SAFE_INTEGER);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { lines: [], end: 0 };
    throw localError(error, path);
  }
  return readJournal(bytes);
}

/** The lines of a journal, up to the first that is none. */
export function readJournal(bytes: Buffer): ReadLines {
  const lines: Line[] = [];
  const fixed = new Map<string, number>();
  let end = 0;
  for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10, end)) {
    const line = parseLine(bytes.toString("utf8", end, newline));
    if (!line || !isNext(line, lines.length, fixed)) break; // from here on it was torn: what it said is decided anew
    lines.push(line);
    end = newline + 1;
  }
  return { lines, end };
}

function parseLine(text: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether a line may follow: the run first, then items, and the sections of each archive in their order. */
function isNext(line: Line, before: number, fixed: Map<string, number>): boolean {
  if (before === 0 || line.type === "run") return before === 0 && line.type === "run";
  if (line.type === "items" || line.type === "left") return true;
  const count = fixed.get(line.archive) ?? 0;
  fixed.set(line.archive, count + 1);
  return line.index === count;
}
