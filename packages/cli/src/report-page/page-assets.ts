import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { packageFolder } from "../package-folder.ts";

/** The page's script and style, and how its content security policy names them. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
  /** `sha256-…` of each. */
  readonly scriptHash: string;
  readonly styleHash: string;
}

/** Beside the sources, and published with the program. */
const folder = new URL("src/report-page/page/", packageFolder);

/** What a module needs comes before it. */
const modules = [
  "format.js",
  "squarify.js",
  "model.js",
  "detail.js",
  "treemap.js",
  "image-table.js",
  "theme.js",
  "main.js",
];

/** Reads the page's parts and puts its modules together: a page opened from a file cannot import any. */
export function pageAssets(): PageAssets {
  const script = `(() => {\n"use strict";\n${modules.map((name) => withoutImports(readText(name))).join("\n")}})();\n`;
  const style = `${readText("colours.css")}\n${darkColours()}\n${readText("page.css")}`;
  return { script, style, scriptHash: hashOf(script), styleHash: hashOf(style) };
}

/** The dark colours, for who chose them, and for who has a dark system and did not choose the light ones; never on paper. */
function darkColours(): string {
  const colours = readText("dark-colours.css");
  const onSystem = colours.replace(":root", ':root:not([data-theme="light"])');
  const onChoice = colours.replace(":root", ':root[data-theme="dark"]');
  return `@media screen and (prefers-color-scheme: dark) {\n${onSystem}}\n@media screen {\n${onChoice}}\n`;
}

/** A module's own lines; all of them share one scope. */
function withoutImports(text: string): string {
  return text
    .replace(/^import [^;]+ from "[^"]+";\n/gm, "")
    .replace(/^export /gm, "")
    .trimStart();
}

function readText(name: string): string {
  return readFileSync(new URL(name, folder), "utf8");
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
