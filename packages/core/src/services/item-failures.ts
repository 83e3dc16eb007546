import { isRegistryError } from "@tranship/registry";
import { isMirrorError, type MirrorErrorCode } from "../errors.ts";
import type { FailedItem } from "../plan/failed-item.ts";
import type { Item, Planner, RunContext } from "../plan/planner.ts";
import type { Run } from "./run-context.ts";

/** Failures that meet every item alike: the disk, or who else is at the bundle. */
const runCodes: ReadonlySet<MirrorErrorCode> = new Set(["NO_SPACE", "FILE_FAILED", "BUNDLE_LOCKED"]);

/** So many items that are refused, and nothing that was not, mean that the source refuses everything. */
const refusalsThatTell = 3;

/** Options of {@link ItemFailures}. */
export interface ItemFailuresOptions {
  /** Whether the other items are finished when one fails; else its failure ends the run. @defaultValue false */
  readonly keepGoing?: boolean | undefined;
  /** Whether items may be of different hosts: then some that are refused tell nothing of the rest. @defaultValue false */
  readonly severalHosts?: boolean | undefined;
}

/** Decides what a failure ends: the item it came from, or the run. */
export class ItemFailures {
  readonly #run: Pick<Run, "stop" | "source">;
  readonly #keepGoing: boolean;
  readonly #severalHosts: boolean;
  readonly #failed = new Map<string, FailedItem>();
  /** The first refusal, as long as nothing else has failed. */
  #refusal: unknown;
  #onlyRefused = true;

  constructor(
    run: Pick<Run, "stop" | "source">,
    { keepGoing = false, severalHosts = false }: ItemFailuresOptions = {},
  ) {
    this.#run = run;
    this.#keepGoing = keepGoing;
    this.#severalHosts = severalHosts;
  }

  /** Ends the run if the failure is not left to its item. Told early, so that nothing else is waited for. */
  meet(error: unknown): void {
    if (!this.#keepGoing || !isItsOwn(error)) this.#run.stop.abort(error);
  }

  /** An item came to its end with this failure. */
  add({ component, name, archive }: Item, error: unknown, { emit }: Pick<RunContext, "emit">): void {
    this.meet(error);
    if (this.#run.stop.signal.aborted || !(isMirrorError(error) || isRegistryError(error))) return;
    const failed: FailedItem = { component, item: name, archive, code: error.code, message: error.message };
    this.#failed.set(archive, failed);
    this.#onlyRefused &&= isRefusal(error);
    this.#refusal ??= error;
    const tells = this.#failed.size >= refusalsThatTell && !this.#severalHosts;
    if (this.#onlyRefused && tells && !this.#run.source.hasAnswered) this.#run.stop.abort(error);
    else emit({ type: "item.failed", ...failed });
  }

  /** What failed of these items, which are all there are, in their order. Ends the run when the source refused every one. */
  finish(items: readonly Item[]): readonly FailedItem[] {
    const failed = items.flatMap(({ archive }) => this.#failed.get(archive) ?? []);
    if (failed.length > 0 && failed.length === items.length && this.#onlyRefused) this.#run.stop.abort(this.#refusal);
    return failed;
  }
}

/** Whether planners read from hosts of their own. */
export function readsHosts(planners: readonly Pick<Planner, "hosts">[]): boolean {
  return planners.some(({ hosts }) => hosts !== undefined);
}

/** Whether other items may do better. An error that is none of ours is a fault of the program: nobody goes on after it. */
function isItsOwn(error: unknown): boolean {
  if (isMirrorError(error, "TRANSFER_FAILED")) return error.details.code !== "CREDENTIALS_UNUSABLE";
  return isMirrorError(error) ? !runCodes.has(error.code) : isRegistryError(error);
}

function isRefusal(error: unknown): boolean {
  return isMirrorError(error, "TRANSFER_FAILED") && error.details.code === "UNAUTHORIZED";
}
