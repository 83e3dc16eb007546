import { basename, dirname } from "node:path";
import type { Step } from "./log-steps.ts";

/** The files of a folder: what is behind each name. */
export type Names = ReadonlyMap<string, string>;

/** What a file is called whose bytes were not flushed before it got its name: after a power cut it may hold anything. */
export const torn = "torn";

/**
 * Every state of `folder` that a power cut may leave at any moment of these steps: changes of names are on the device when
 * the folder was flushed after them; before, each may have got there or not, whatever became of the others. Files that
 * were there at the start are `old NAME`, those that get a finished name `new NAME`.
 * The last state is what is on the device for certain when all steps are done.
 */
export function* crashStates(folder: string, names: Iterable<string>, steps: readonly Step[]): Generator<Names> {
  const flushed = new Set<string>();
  const onDevice = new Map([...names].map((name) => [name, `old ${name}`] as const));
  let pending: ((names: Map<string, string>) => void)[] = [];
  yield new Map(onDevice);
  for (const step of steps) {
    if (step.type === "flush" && step.path === folder) {
      for (const change of pending) change(onDevice);
      pending = [];
    } else if (step.type === "flush") flushed.add(step.path);
    else {
      const change = changeOf(folder, step, flushed);
      if (!change) continue;
      pending.push(change);
      yield* subsetsWithLast(onDevice, pending);
    }
  }
  yield onDevice;
}

function changeOf(
  folder: string,
  step: Exclude<Step, { readonly type: "flush" }>,
  flushed: ReadonlySet<string>,
): ((names: Map<string, string>) => void) | undefined {
  const isHere = (path: string) => dirname(path) === folder;
  if (step.type === "remove") {
    return isHere(step.path) ? (names) => void names.delete(basename(step.path)) : undefined;
  }
  const { from, to } = step;
  if (!isHere(from) && !isHere(to)) return undefined;
  const content = flushed.has(from) ? `new ${basename(to)}` : torn;
  return (names) => {
    if (isHere(from)) names.delete(basename(from));
    if (isHere(to)) names.set(basename(to), content);
  };
}

/** All ways in which some of the changes got to the device; without the last, they have been given before. */
function* subsetsWithLast(
  onDevice: ReadonlyMap<string, string>,
  changes: readonly ((names: Map<string, string>) => void)[],
): Generator<Names> {
  for (let bits = 2 ** (changes.length - 1); bits < 2 ** changes.length; bits += 1) {
    const names = new Map(onDevice);
    for (const [index, change] of changes.entries()) if (bits & (1 << index)) change(names);
    yield names;
  }
}
