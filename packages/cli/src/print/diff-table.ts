import type { DownloadListDiff } from "@tranship/core";
import { shortTag } from "./short-tag.ts";
import { count, formatBytes } from "./size.ts";

/** How a plan differs from an earlier one, for people: `+` for a tag that came, `-` for one that went, `~` for one that moved. */
export function diffTable({ repositories, new: fresh, gone }: DownloadListDiff): string {
  const short = (digest: string) => digest.slice(0, 19);
  const lines = repositories.flatMap(({ path, added, removed, moved }) => [
    path === "" ? "/" : path,
    ...added.map(({ tag, digest }) => `  + ${shortTag(tag).padEnd(24)} ${short(digest)}`),
    ...removed.map(({ tag, digest }) => `  - ${shortTag(tag).padEnd(24)} ${short(digest)}`),
    ...moved.map(({ tag, from, to }) => `  ~ ${shortTag(tag).padEnd(24)} ${short(from)} -> ${short(to)}`),
  ]);
  const sum = (all: readonly (readonly unknown[])[]) => all.reduce((total, { length }) => total + length, 0);
  const [added, removed, moved] = [
    sum(repositories.map((one) => one.added)),
    sum(repositories.map((one) => one.removed)),
    sum(repositories.map((one) => one.moved)),
  ];
  const sizes = `${count(fresh.blobs, "blob")} new (${formatBytes(fresh.bytes)}), ${gone.blobs} gone (${formatBytes(gone.bytes)})`;
  if (repositories.length === 0) return `no tag has changed; ${sizes}`;
  return [...lines, `${count(added, "tag")} added, ${removed} removed, ${moved} moved; ${sizes}`].join("\n");
}
