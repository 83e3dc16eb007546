import { DepsError } from "../errors.ts";
import type { ItemJob } from "../jobs/item-job.ts";
import type { DepsItem, DepsSink, DepsSource } from "../manifest.ts";

/** What brings an item, by its source. */
export type Jobs = Partial<Readonly<Record<DepsSource["type"], ItemJob>>>;

/** Where the content of each source can be kept. */
const sinksOf: Readonly<Record<DepsSource["type"], readonly DepsSink["type"][]>> = {
  http: ["file"],
  file: ["file"],
  inline: ["file"],
  git: ["file"],
  image: ["repository-layout", "layout", "push"],
  artifact: ["repository-layout", "layout", "push"],
  chart: ["repository-layout", "layout", "push"],
};

/**
 * What looks for an item and brings it.
 * @throws DepsError `SINK_UNSUITABLE`
 */
export function jobOf({ id, source, sink }: DepsItem, jobs: Jobs): ItemJob {
  const job = jobs[source.type];
  if (job !== undefined && sinksOf[source.type].includes(sink.type)) return job;
  const message = `cannot keep ${id}: what comes from a source of type ${source.type} is no ${sink.type}`;
  throw new DepsError("SINK_UNSUITABLE", message, { item: id, source: source.type, sink: sink.type });
}
