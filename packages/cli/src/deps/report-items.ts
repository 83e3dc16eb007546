import { join } from "node:path";
import type { DepsItem } from "@tranship/core/deps";
import type { DepsReportItem } from "../output-schema/deps-report.ts";

/** An item as reports tell it. */
export function reportItem(item: DepsItem): DepsReportItem {
  const { id, version, labels, digest, size } = item;
  return {
    id,
    name: labels.name ?? id,
    version,
    path: pathOf(item),
    ...(digest === undefined ? {} : { digest }),
    ...(size === undefined ? {} : { size }),
  };
}

/** Where people look for it: a file by its name, an image in the layout of its repository. */
function pathOf({ sink }: DepsItem): string {
  switch (sink.type) {
    case "file":
      return sink.links[0] ?? sink.path;
    case "layout":
      return sink.path;
    case "repository-layout":
      return join(sink.root, ...sink.repository.split("/"));
    case "push":
      return `${sink.registry}/${sink.repository}`;
  }
}
