import { digestOf, type RegistryReader } from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { type DownloadList, formatDownloadList } from "../plan/download-list.ts";
import type { Planner } from "../plan/planner.ts";
import { openBelow } from "./open-below.ts";

/** A planner that asks for exactly what `list` says, digest by digest: nothing is resolved anew. */
export function listPlanner(list: DownloadList, source: RegistryReader): Planner {
  const byArchive = new Map(list.archives.map((archive) => [archive.archive, archive]));
  return {
    components: [...new Set(list.archives.map(({ component }) => component))],
    selection: { source: source.name, list: digestOf(new TextEncoder().encode(formatDownloadList(list))) },
    open: (name) => openBelow(source, name),
    async *items() {
      for (const { archive, component, item } of list.archives) yield { archive, component, name: item };
    },
    async next(item, done, run) {
      const section = byArchive.get(item.archive)?.sections[done.length];
      if (!section) return undefined;
      for (const { source: name, images } of section.repositories) {
        for (const { reference, digest } of images) {
          if (await run.source.manifest(openBelow(source, name), digest)) continue;
          const message = `${reference} was planned as ${digest}, which is no longer at the source`;
          throw new MirrorError("PLAN_OUTDATED", message, { reference, reason: "not at the source" });
        }
      }
      return { section, missing: [] };
    },
  };
}
