import { type DownloadList, downloadTotals } from "@tranship/core";
import { shortTag } from "./short-tag.ts";
import { count, formatBytes, leftOut, sparseNote } from "./size.ts";
import { failedLines } from "./summaries.ts";

/** A plan for people: every archive, every image with its reason, and what it sums up to. */
export function planTable(list: DownloadList, file: string | undefined): string {
  const lines: string[] = [];
  for (const { archive, item, sections } of list.archives) {
    lines.push(archive);
    const repositories = new Map<string, string[]>();
    for (const { path, source, images } of sections.flatMap((section) => section.repositories)) {
      const place = `${path === "" ? "/" : path}${item === source && path !== source ? ` from ${source}` : ""}`;
      const rows = repositories.get(place) ?? [];
      repositories.set(place, rows);
      rows.push(
        ...images.map(
          ({ tag, digest, why }) => `    ${shortTag(tag).padEnd(24)} ${digest.slice(0, 19)}  ${why.join(", ")}`,
        ),
      );
    }
    for (const [place, rows] of repositories) lines.push(`  ${place}`, ...rows);
  }
  for (const { reference, why } of list.missing) lines.push(`missing at the source: ${reference} (${why})`);
  lines.push(...failedLines(list.failed ?? []));
  const { archives, images, blobs, fetchBytes, storedBytes, assumed, leftOut: sparse } = downloadTotals(list);
  lines.push(
    `${count(images, "image")} in ${count(archives, "archive")}: ${count(blobs, "blob")}, ` +
      `${formatBytes(fetchBytes)} to fetch, ${formatBytes(storedBytes)} in the bundle`,
  );
  if (assumed.blobs > 0) lines.push(`left out: ${leftOut(assumed)}`);
  if (sparse) lines.push(`left out: ${sparseNote(sparse)}`);
  if (file !== undefined) lines.push(`plan written to ${file}`);
  return lines.join("\n");
}
