import type { DepsEvent, OnDepsEvent } from "@tranship/core/deps";
import type { CliContext } from "../context.ts";
import type { DepsStep } from "../print/cli-event.ts";

/** Tells what happens to a cache as all events of the program are told. */
export function depsEvents({ onEvent }: CliContext): OnDepsEvent {
  return (event) => {
    if (event.type === "warning") onEvent({ type: "warning.raised", ...event.warning });
    else onEvent(stepOf(event));
  };
}

function stepOf(event: Exclude<DepsEvent, { readonly type: "warning" }>): DepsStep {
  return { ...event, type: `deps.${event.type}` } as DepsStep;
}
