import { DepsError } from "../errors.ts";

/** A chart folder that cannot be packed. `chart` is its path, or its name once that is known. */
export function chartError(chart: string, reason: string, cause?: unknown): DepsError<"CHART_TYPE"> {
  const message = `cannot pack chart ${chart}: ${reason}`;
  return new DepsError("CHART_TYPE", message, { chart, type: "chart", reason }, { cause });
}
