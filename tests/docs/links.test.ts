import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

const documents = markdownIn("");

test("links in documents lead to files that there are, and to headings in them", () => {
  const broken = documents.flatMap((file) =>
    linksOf(textOf(file))
      .filter((link) => !leadsSomewhere(file, link))
      .map((link) => `${file}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test.for([
  { what: "guide", folder: "docs/guides", ending: ".md", index: "docs/README.md" },
  { what: "example", folder: "examples", ending: ".ts", index: "examples/README.md" },
])("every $what is in its index", ({ folder, ending, index }) => {
  const listed = linksOf(textOf(index)).map((link) => normalize(join(dirname(index), link)));
  const there = readdirSync(join(root, folder)).filter((name) => name.endsWith(ending));
  expect(there.length).toBeGreaterThan(10);
  expect(there.map((name) => `${folder}/${name}`).filter((file) => !listed.includes(file))).toEqual([]);
});

/** The document without its blocks of code. */
function textOf(file: string): string {
  return readFileSync(join(root, file), "utf8").replace(/^```[\s\S]*?^```/gm, "");
}

function linksOf(text: string): readonly string[] {
  const inline = [...text.matchAll(/\]\(([^)\s]+)\)/g)];
  const named = [...text.matchAll(/^\[[^\]]+\]: (\S+)$/gm)];
  return [...inline, ...named].flatMap(([, link]) => (link === undefined || /^[a-z]+:/.test(link) ? [] : link));
}

function leadsSomewhere(from: string, link: string): boolean {
  const [path = "", heading] = link.split("#");
  const to = path === "" ? from : normalize(join(dirname(from), path));
  if (!existsSync(join(root, to))) return false;
  return heading === undefined || !to.endsWith(".md") || headingsOf(textOf(to)).includes(heading);
}

/** How hosts of repositories name headings in links. */
function headingsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

/** Every document below a folder that is ours. */
function markdownIn(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory())
      return ["node_modules", "dist", "reports", ".git"].includes(entry.name) ? [] : markdownIn(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}
