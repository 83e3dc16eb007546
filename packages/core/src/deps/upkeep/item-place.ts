import { join } from "node:path";
import type { DepsSink } from "../manifest.ts";

/** Where an item is: the file, the folder of the layout, or the name of the repository it was pushed to. */
export function itemPlace(sink: DepsSink): string {
  switch (sink.type) {
    case "file":
    case "layout":
      return sink.path;
    case "repository-layout":
      return join(sink.root, ...sink.repository.split("/"));
    case "push":
      return `${sink.registry}/${sink.repository}`;
  }
}
