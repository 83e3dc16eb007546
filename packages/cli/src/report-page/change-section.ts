import type { DownloadListDiff, RepositoryDiff } from "@tranship/core";
import { formatBytes } from "../print/size.ts";
import { escapeHtml } from "./escape-html.ts";
import { section } from "./list-sections.ts";
import { counted } from "./summary-strip.ts";

/** More changed tags than these are only counted. */
const mostChanges = 1000;

/** With so few repositories, what changed in them is not folded away. */
const unfolded = 6;

/** What changed against another bundle, folded by repository. */
export function changeSection({ repositories, new: fresh, gone }: DownloadListDiff, against: string): string {
  const sizes = `${formatBytes(fresh.bytes)} new in ${counted(fresh.blobs, "blob")}, ${formatBytes(gone.bytes)} gone`;
  const parts: string[] = [];
  let left = mostChanges;
  for (const repository of repositories) {
    const lines = changesOf(repository);
    if (lines.length > left) break;
    left -= lines.length;
    const isOpen = repositories.length <= unfolded && lines.length <= 20;
    parts.push(
      `<details${isOpen ? " open" : ""}><summary><span>${escapeHtml(repository.path === "" ? "/" : repository.path)}</span>` +
        `<span class="hint">${tally(repository)}</span></summary><div class="changes">${lines.join("")}</div></details>`,
    );
  }
  const more = repositories.length - parts.length;
  if (more > 0)
    parts.push(`<p class="hint">and changes in ${counted(more, "more repository", "more repositories")}</p>`);
  if (repositories.length === 0) parts.push(`<p class="nothing">No tag has changed.</p>`);
  return section("changes", `Changes since ${against}`, sizes, parts.join("\n"));
}

function changesOf({ added, removed, moved }: RepositoryDiff): readonly string[] {
  const line = (kind: string, tag: string, digests: string) =>
    `<p class="change ${kind}"><b>${kind}</b><span>${escapeHtml(shortTag(tag))} <code class="digests">${escapeHtml(digests)}</code></span></p>`;
  const short = (digest: string) => digest.slice(0, digest.indexOf(":") + 13);
  return [
    ...added.map(({ tag, digest }) => line("added", tag, short(digest))),
    ...moved.map(({ tag, from, to }) => line("moved", tag, `${short(from)} → ${short(to)}`)),
    ...removed.map(({ tag, digest }) => line("removed", tag, short(digest))),
  ];
}

/** Tags that name a digest say enough with its beginning. */
function shortTag(tag: string): string {
  return tag.replace(/^(sha(?:256|512)-[0-9a-f]{12})[0-9a-f]{20,}/, "$1…");
}

function tally({ added, removed, moved }: RepositoryDiff): string {
  const counts = { added, moved, removed };
  return Object.entries(counts)
    .filter(([, tags]) => tags.length > 0)
    .map(([kind, { length }]) => `${length.toLocaleString("en")} ${kind}`)
    .join(", ");
}
