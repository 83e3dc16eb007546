import type { Inspection } from "@tranship/core";
import { formatBytes } from "../print/size.ts";
import { escapeHtml } from "./escape-html.ts";
import { counted, partBar } from "./summary-strip.ts";

/** More rows than these are summed up: the page stays quick. */
const mostRows = 200;

/** The archives, the largest of them where there are many. */
export function archiveSection({ archives }: Inspection): string {
  if (archives.length === 0) return "";
  const largest = Math.max(...archives.map(({ bytes }) => bytes));
  const cut = [...archives].sort((a, b) => b.bytes - a.bytes).slice(0, mostRows);
  const shown = archives.filter((archive) => archives.length <= mostRows || cut.includes(archive));
  const rows = shown.map(
    ({ name, bytes, files, repositories, shared }) =>
      `<tr><td>${escapeHtml(name)}</td><td class="number">${formatBytes(bytes)}</td>` +
      `<td class="bar-cell">${partBar(largest > 0 ? bytes / largest : 0)}</td>` +
      `<td class="number">${files.length === 1 ? "one file" : counted(files.length, "chunk")}</td>` +
      `<td class="number unique">${repositories.length.toLocaleString("en")}</td>` +
      `<td class="number unique">${formatBytes(shared.bytes)}</td></tr>`,
  );
  const left = archives.length - shown.length;
  return section(
    "archives",
    "Archives",
    counted(archives.length, "archive"),
    `<table><thead><tr><th scope="col">Name</th><th scope="col" class="number">Size</th><td class="bar-cell"></td>` +
      `<th scope="col" class="number">Files</th><th scope="col" class="number unique">Repositories</th>` +
      `<th scope="col" class="number unique">Also in other archives</th></tr></thead>\n<tbody>\n${rows.join("\n")}\n</tbody></table>` +
      (left > 0 ? `\n<p class="hint">and ${counted(left, "smaller archive")}</p>` : ""),
  );
}

/** What is not there, cannot be used, or was not at the source; nothing when all is well. */
export function faultSections(inspection: Inspection): string {
  const { lacking, unreadable, assumed, missing, failed, leftOut = [] } = inspection;
  return [
    listSection(
      "lacking",
      "Lacking content",
      "images need it, and it is not here",
      lacking.map(
        ({ path, digest, size, role }) => `${path === "" ? "/" : path}: ${role} ${digest}, ${formatBytes(size)}`,
      ),
    ),
    listSection(
      "unreadable",
      "Content that cannot be used",
      "run tranship verify",
      unreadable.map(({ path, digest, message }) => `${path === "" ? "/" : path}: ${digest}: ${message.slice(0, 400)}`),
    ),
    listSection(
      "left-out",
      "Left out on purpose",
      "indexes list it for platforms that were not wanted",
      leftOut.map(
        ({ path, digest, platform, index }) =>
          `${path === "" ? "/" : path}: ${digest}${platform ? `, ${platform}` : ""}, of ${index}`,
      ),
    ),
    listSection(
      "assumed",
      "Left to a base",
      "a base has to bring it",
      assumed.map(({ path, digest, size }) => `${path === "" ? "/" : path}: ${digest}, ${formatBytes(size)}`),
    ),
    listSection(
      "missing",
      "Missing at the source",
      "when the bundle was pulled",
      missing.map(({ reference, why }) => `${reference} (${why})`),
    ),
    listSection(
      "failed",
      "Not pulled",
      "the pull went on without it",
      failed.map(({ archive, message }) => `${archive}: ${message.slice(0, 400)}`),
    ),
  ].join("");
}

/** A part of the page under a heading; `html` is markup already, the rest is text. */
export function section(id: string, title: string, hint: string, html: string): string {
  return (
    `<section id="${id}-section" aria-labelledby="${id}-title"><div class="section-head"><h2 id="${id}-title">` +
    `${escapeHtml(title)}</h2><p class="hint">${escapeHtml(hint)}</p></div>\n${html}\n</section>\n`
  );
}

function listSection(id: string, title: string, hint: string, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  const items = lines.slice(0, mostRows).map((line) => `<li>${escapeHtml(line)}</li>`);
  const left = lines.length - items.length;
  if (left > 0) items.push(`<li class="hint">and ${left.toLocaleString("en")} more</li>`);
  return section(id, title, hint, `<ul class="plain-list">\n${items.join("\n")}\n</ul>`);
}
