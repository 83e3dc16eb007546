import type { DownloadListDiff, Inspection } from "@tranship/core";
import { changeSection } from "./change-section.ts";
import { escapeHtml, escapeJson } from "./escape-html.ts";
import { archiveSection, faultSections, section } from "./list-sections.ts";
import { pageAssets } from "./page-assets.ts";
import { pageData } from "./page-data.ts";
import { summaryStrip } from "./summary-strip.ts";

/** What {@link reportPage} tells beside the inspection. */
export interface ReportPageOptions {
  /** How the page calls the bundle. */
  readonly title: string;
  /** What changed against another bundle, and how that is called. @defaultValue nothing is told of changes */
  readonly changes?: { readonly against: string; readonly diff: DownloadListDiff } | undefined;
}

const columns: readonly (readonly [order: string, title: string, className: string])[] = [
  ["repository", "Repository", ""],
  ["tags", "Tags", ""],
  ["kind", "Kind", "what"],
  ["platforms", "Platforms", "platforms"],
  ["size", "Size", "number"],
  ["unique", "Only here", "number unique"],
];

/**
 * An inspection as one HTML page that needs nothing else: it is read from a file, asks no network, and runs no script but
 * its own. Equal inspections give equal pages.
 */
export function reportPage(inspection: Inspection, { title, changes }: ReportPageOptions): string {
  const { script, style, scriptHash, styleHash } = pageAssets();
  const policy =
    `default-src 'none'; script-src '${scriptHash}'; style-src '${styleHash}'; img-src data:; ` +
    "base-uri 'none'; form-action 'none'";
  const { sources } = inspection;
  const from = sources.length === 0 ? "What this bundle holds" : `Pulled from ${sources.slice(0, 3).join(", ")}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<div class="page">
<a class="skip" href="#images-section">Skip to the list of images</a>
<header class="page-header">
<div><h1>${escapeHtml(title)}</h1><p>${escapeHtml(from.slice(0, 600))}</p></div>
<button type="button" id="theme" class="plain-button">Dark</button>
</header>
<main>
${summaryStrip(inspection)}
${mapSection()}${changes ? changeSection(changes.diff, changes.against) : ""}${imageSection()}${archiveSection(inspection)}${faultSections(inspection)}</main>
<footer><p>The map counts content once in each repository. Stored counts every copy in the archives; saved is compared with a copy for each image of all it needs.
“Only here” is what no other image of the bundle needs.</p></footer>
</div>
<script type="application/json" id="data">${escapeJson(pageData(inspection))}</script>
<script>${script}</script>
</body>
</html>
`;
}

function mapSection(): string {
  const legend =
    `<ul class="legend"><li><i class="frame"></i>repository</li><li><i class="image"></i>image</li>` +
    `<li><i></i>layer</li><li><i class="is-shared"></i>shared</li></ul>`;
  const html =
    `<noscript><p class="hint">The map and the list are drawn by the page’s own script, which is switched off.</p></noscript>` +
    `<nav aria-label="Place on the map"><ol id="crumbs" class="crumbs"></ol></nav>` +
    `<div id="map" class="map" role="group" aria-label="Map of bytes: repositories, their images and layers. Arrow keys move, Enter opens, Escape goes back."></div>` +
    `<div id="detail" class="detail" aria-live="polite"></div>`;
  return section("map", "Where the bytes are", "", html).replace(`<p class="hint"></p>`, legend);
}

function imageSection(): string {
  const heads = columns.map(
    ([order, title, className]) =>
      `<th scope="col"${className === "" ? "" : ` class="${className}"`}><button type="button" data-order="${order}">${title}</button></th>`,
  );
  const html =
    `<div class="section-head"><input id="search" class="search" type="search" placeholder="Search name, tag, kind, platform, digest" ` +
    `aria-label="Search images" autocomplete="off" spellcheck="false"><p id="found" class="hint" role="status"></p></div>` +
    `<table id="images" aria-labelledby="images-title"><thead><tr>${heads.join("")}</tr></thead><tbody id="images-body"></tbody></table>` +
    `<p id="nothing" class="nothing" hidden>No image matches.</p>` +
    `<p class="more-row"><button type="button" id="more" class="plain-button" hidden>Show more</button></p>`;
  return section("images", "Images", "", html).replace(`<p class="hint"></p>`, "");
}
