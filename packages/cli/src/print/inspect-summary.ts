import type { Inspection } from "@tranship/core";
import { printable } from "@tranship/registry";
import { type InspectTreeOptions, inspectTree } from "./inspect-tree.ts";
import { count, formatBytes, leftOut, sparseNote } from "./size.ts";

/** Lines of one kind of fault that are printed; the others are counted. */
const mostFaults = 20;

/** What a bundle holds, for people: its tree, its archives, what is not there, and what it sums up to. */
export function inspectSummary(inspection: Inspection, options: InspectTreeOptions = {}): string {
  const { archives, lacking, unreadable, missing, failed, sources, leftOut: leftOutManifests = [] } = inspection;
  const where = (path: string) => (path === "" ? "/" : path);
  const lines = [
    ...inspectTree(inspection, options),
    ...(archives.length === 0 ? [] : ["", ...archiveLines(inspection)]),
    ...faultLines(
      "left out on purpose",
      leftOutManifests.map(
        ({ path, digest, platform, index }) =>
          `${where(path)}: ${digest}${platform ? `, ${platform}` : ""}, of ${index}`,
      ),
    ),
    ...faultLines(
      "lacking",
      lacking.map(({ path, role, digest, size }) => `${where(path)}: ${role} ${digest}, ${formatBytes(size)}`),
    ),
    ...faultLines(
      "cannot be used",
      unreadable.map(({ path, digest, message }) => `${where(path)}: ${digest}: ${message}`),
    ),
    ...faultLines(
      "missing at the source",
      missing.map(({ reference, why }) => `${reference} (${why})`),
    ),
    ...faultLines(
      "failed",
      failed.map(({ archive, message }) => `${archive}: ${message}`),
    ),
    "",
    ...(sources.length === 0 ? [] : [`pulled from ${sources.join(", ")}`]),
    ...totalLines(inspection),
  ];
  return lines.join("\n").trimStart();
}

function archiveLines({ archives }: Inspection): readonly string[] {
  const width = Math.min(60, Math.max(...archives.map(({ name }) => name.length)));
  return archives.map(({ name, bytes, files, repositories }) => {
    const chunks = files.length === 1 ? [] : [count(files.length, "chunk")];
    const facts = [count(repositories.length, "repository", "repositories"), ...chunks].join(", ");
    return `${printable(name, 200).padEnd(width)}  ${formatBytes(bytes).padStart(10)}  ${facts}`;
  });
}

function faultLines(what: string, texts: readonly string[]): readonly string[] {
  const shown = texts.slice(0, mostFaults).map((text) => `${what}: ${printable(text, 600)}`);
  return texts.length > shown.length ? [...shown, `${what}: and ${texts.length - shown.length} more`] : shown;
}

function totalLines({ totals, leftOut: sparse = [] }: Inspection): readonly string[] {
  const { images, tags, repositories, blobs, storedBytes, distinctBytes, unsharedBytes, archives } = totals;
  const saved = unsharedBytes - storedBytes;
  return [
    `${count(images, "image")} under ${count(tags, "tag")} in ${count(repositories, "repository", "repositories")}: ` +
      `${count(blobs, "blob")}, ${formatBytes(distinctBytes)} of distinct content`,
    `${formatBytes(storedBytes)} stored${archives > 0 ? ` in ${count(archives, "archive")}, ${formatBytes(totals.archiveBytes)} on disk` : ""}; ` +
      `${formatBytes(unsharedBytes)} if nothing were shared` +
      (saved > 0 ? `: sharing saves ${formatBytes(saved)} (${Math.round((100 * saved) / unsharedBytes)} %)` : ""),
    ...(totals.assumed.blobs > 0 ? [`left out: ${leftOut(totals.assumed)}`] : []),
    ...(sparse.length > 0 ? [`left out: ${sparseNote({ manifests: sparse.length })}`] : []),
    ...(totals.unreferenced.blobs > 0
      ? [`no image leads to ${count(totals.unreferenced.blobs, "blob")} (${formatBytes(totals.unreferenced.bytes)})`]
      : []),
    ...(totals.lacking.blobs > 0
      ? [`lacking: ${count(totals.lacking.blobs, "blob")}, ${formatBytes(totals.lacking.bytes)}, that images need`]
      : []),
  ];
}
