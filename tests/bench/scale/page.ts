import { readFileSync, writeFileSync } from "node:fs";

/** Puts a section between its marks on a page, in place of what was there; at the page's end when it has no marks yet. */
export function replaceSection(path: string, name: string, text: string): void {
  const page = readFileSync(path, "utf8");
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const section = `${start}\n${text}\n${end}`;
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  const changed =
    from < 0 || to < from
      ? `${page.trimEnd()}\n\n${section}\n`
      : page.slice(0, from) + section + page.slice(to + end.length);
  writeFileSync(path, changed);
}
