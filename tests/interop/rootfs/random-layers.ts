import { Choice } from "../../fuzz/random-choice.ts";
import type { ArchiveEntry } from "./pax-archive.ts";

const directories = ["a", "b"] as const;
const files = ["f", "g", "h"] as const;
const links = ["c", "d"] as const;
const targets = ["a", "../b", "/a", "/a/b", "../../b/a", "b", "a/f", "/../b", "c/a", "nowhere"] as const;

/** Layers over few names, base first, so that almost every entry meets what others left. The same for the same seed. */
export function randomLayers(seed: number): readonly (readonly ArchiveEntry[])[] {
  const choice = new Choice(seed);
  return Array.from({ length: 2 + choice.below(3) }, (_, layer) => {
    const entries = Array.from({ length: 3 + choice.below(12) }, (_, index) => randomEntry(choice, layer, index));
    return layer === 0 ? [...ground, ...entries] : withoutVagueWhiteouts(entries);
  });
}

/** Something to link to, to go through and to take away. */
const ground: readonly ArchiveEntry[] = [
  ...["./", "a", "b", "a/a", "a/b", "b/a", "b/b"].map((name) => ({ name, type: "directory", mode: 0o711 }) as const),
  ...["f", "g", "a/f", "a/g", "b/f", "b/h", "a/b/f"].map((name) => ({ name, content: name })),
];

/** A whiteout that may lead through a link of its own layer is understood in two ways: what is held against others has none. */
function withoutVagueWhiteouts(entries: readonly ArchiveEntry[]): readonly ArchiveEntry[] {
  if (!entries.some(({ type }) => type === "symlink")) return entries;
  return entries.filter(({ name }) => !/\/(\.wh\.)/.test(name));
}

function randomEntry(choice: Choice, layer: number, index: number): ArchiveEntry {
  const above = Array.from({ length: choice.below(3) }, () => `${folderOf(choice)}/`).join("");
  const kind = choice.below(20);
  // Only now and then is a name of one kind given to another, or most archives would go through files and be refused.
  const usual = kind < 7 ? files : kind < 12 ? directories : kind < 14 ? links : files;
  const name = `${above}${choice.of(choice.happens(0.08) ? [...directories, ...links, ...files] : usual)}`;
  const metadata = {
    mode: choice.of([0o755, 0o700, 0o644, 0o4755]),
    uid: choice.below(3),
    mtime: String(1_500_000_000 + layer * 100 + index),
  };
  if (kind < 7) return { name, content: `${layer}.${index}`, ...metadata };
  if (kind < 12) return { name, type: "directory", ...metadata };
  if (kind < 14) return { name, type: "symlink", target: choice.of(targets), ...metadata };
  if (kind < 15) return { name, type: "hardlink", target: `${choice.of(["", "a/", "b/", "c/"])}${choice.of(files)}` };
  if (kind < 16) return { name, type: "fifo", ...metadata };
  if (kind < 18) return { name: `${above}.wh.${choice.of([...files, ...directories, ...links])}` };
  return { name: `${above}.wh..wh..opq` };
}

/** Mostly a directory's name, now and then a link's. */
function folderOf(choice: Choice): string {
  return choice.happens(0.85) ? choice.of(directories) : choice.of(links);
}
