import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Makes sure that code shown in documents is code that runs. In a Markdown file, a comment
 * `<!-- snippet: examples/x.ts#region -->` in front of a fenced block says where the block comes from; it has to be that
 * region, line for line; where `//` begins no comment, such as in YAML, regions are without it. With `--write`, blocks that
 * differ are replaced.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));
const blockPattern = /(<!-- snippet: (\S+?)#(\S+) -->\n+```\w*\n)([\s\S]*?)(```)/g;

function main(): void {
  const isWriting = process.argv.includes("--write");
  let snippets = 0;
  let stale = 0;
  for (const file of markdownFiles(root)) {
    const text = readFileSync(file, "utf8");
    const updated = text.replace(blockPattern, (whole, before: string, source: string, region: string, code, after) => {
      snippets += 1;
      const wanted = readRegion(source, region);
      if (code === wanted) return whole;
      stale += 1;
      console.error(`${relative(root, file)}: the snippet differs from ${source}#${region}`);
      return before + wanted + after;
    });
    if (isWriting && updated !== text) writeFileSync(file, updated);
  }
  console.log(`${snippets} snippets, ${stale} ${isWriting ? "updated" : "out of date"}`);
  if (snippets === 0) throw new Error("no snippet was found: the pattern or the documents are broken");
  if (stale > 0 && !isWriting) {
    console.error("run: npx -y pnpm@10 check:snippets --write");
    process.exitCode = 1;
  }
}

/** The lines between `//#region NAME` and `//#endregion`, with their common indent removed. */
function readRegion(source: string, name: string): string {
  const lines = readFileSync(join(root, source), "utf8").split("\n");
  const marks = lines.map((line) => line.trim().replace(/^\/\//, ""));
  const start = marks.findIndex((mark) => mark.split(/\s+/).slice(0, 2).join(" ") === `#region ${name}`);
  const length = marks.slice(start + 1).findIndex((mark) => mark.startsWith("#endregion"));
  if (start < 0 || length < 0) throw new Error(`${source} has no region ${name}`);
  const region = lines.slice(start + 1, start + 1 + length);
  const indent = Math.min(...region.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)));
  return region.map((line) => `${line.slice(indent)}\n`).join("");
}

function markdownFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ["node_modules", "dist", ".git"].includes(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

main();
