import { noSmallDisk } from "../../support/small-disk.ts";
import type { RunKind } from "./fault-run.ts";
import { noteOnPage } from "./reliability-page.ts";
import { runFaults, runKinds } from "./run-faults.ts";

/** Flags of `soak faults`. */
export interface FaultsFlags {
  readonly runs?: string | undefined;
  readonly minutes?: string | undefined;
  readonly lanes?: string | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly bytes?: string | undefined;
  readonly write: boolean;
}

/** `soak faults`: does it, says what came of it, sets the exit code when anything was not as it has to be. */
export async function runFaultsAndTell(flags: FaultsFlags, seed: number): Promise<undefined> {
  const [runs, minutes, lanes] = [Number(flags.runs ?? 200), Number(flags.minutes ?? 40), Number(flags.lanes ?? 6)];
  const kinds = flags.kind?.map(kindOf);
  const layerBytes = flags.bytes === undefined ? undefined : Number(flags.bytes);
  const large = layerBytes === undefined ? "" : ` --bytes ${layerBytes}`;
  const only = (kinds ?? []).map((kind) => ` --kind "${kind}"`).join("");
  const beside = flags.lanes === undefined ? "" : ` --lanes ${lanes}`;
  const command = `faults --runs ${runs} --minutes ${minutes} --seed ${seed}${beside}${large}${only}`;
  console.log(command);
  if (noSmallDisk !== undefined) console.log(`no disk is filled: ${noSmallDisk}`);
  const report = await runFaults({ runs, seed, minutes, lanes, kinds, layerBytes, log: console.log });
  const { problems, fired, codes, ...rest } = report;
  console.log(JSON.stringify({ ...rest, codes, fired, problems: problems.length }, null, 1));
  if (problems.length > 0) process.exitCode = 1;
  if (flags.write) noteOnPage(command, report);
}

function kindOf(text: string): RunKind {
  const kind = runKinds.find((one) => one === text);
  if (kind === undefined) throw new Error(`there are no runs of kind ${text}, only ${runKinds.join(", ")}`);
  return kind;
}
