import { Choice } from "../../fuzz/random-choice.ts";
import type { ArchiveEntry } from "./pax-archive.ts";

const directories = ["a", "b", "c"] as const;
const files = ["f", "g", "h"] as const;
const targets = ["a", "../b", "/c", "/a/b", "../../d/a", "b/c", "/../a", "b/f", "nowhere"] as const;

/** Layers over few names, base first, so that almost every entry meets what others left. The same for the same seed. */
export function randomLayers(seed: number): readonly (readonly ArchiveEntry[])[] {
  const choice = new Choice(seed);
  const layers = 2 + choice.below(3);
  return Array.from({ length: layers }, (_, layer) => {
    const entries = Array.from({ length: 3 + choice.below(12) }, (_, index) => randomEntry(choice, layer, index));
    return layer === 0 ? [rootEntry, ...entries] : entries;
  });
}

const rootEntry: ArchiveEntry = { name: "./", type: "directory", mtime: "1400000000" };

function randomEntry(choice: Choice, layer: number, index: number): ArchiveEntry {
  const above = Array.from({ length: choice.below(3) }, () => `${choice.of(directories)}/`).join("");
  const kind = choice.below(20);
  // Only now and then is a name of one kind given to another, or most archives would go through files and be refused.
  const isDirectory = (kind >= 7 && kind < 14) !== choice.happens(0.08);
  const name = `${above}${choice.of(isDirectory ? directories : files)}`;
  const metadata = {
    mode: choice.of([0o755, 0o700, 0o644, 0o4755]),
    uid: choice.below(3),
    mtime: String(1_500_000_000 + layer * 100 + index),
  };
  if (kind < 7) return { name, content: `${layer}.${index}`, ...metadata };
  if (kind < 12) return { name, type: "directory", ...metadata };
  if (kind < 14) return { name, type: "symlink", target: choice.of(targets), ...metadata };
  if (kind < 15) return { name, type: "hardlink", target: `${choice.of(["", "a/", "b/"])}${choice.of(files)}` };
  if (kind < 16) return { name, type: "fifo", ...metadata };
  if (kind < 18) return { name: `${above}.wh.${choice.of(choice.happens(0.5) ? files : directories)}` };
  return { name: `${above}.wh..wh..opq` };
}
