import type { DepsItem } from "../manifest.ts";

/** What every event about an item says. */
export interface ItemNames {
  readonly item: string;
  readonly name: string;
  readonly path?: string;
}

/** How events name an item: files by the path they are looked for. */
export function namesOf({ id, sink, labels }: DepsItem): ItemNames {
  const path = sink.type === "file" ? (sink.links[0] ?? sink.path) : undefined;
  return { item: id, name: labels.name ?? id, ...(path === undefined ? {} : { path }) };
}
