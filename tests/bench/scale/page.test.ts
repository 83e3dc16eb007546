import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { replaceSection } from "./page.ts";

test("a section takes its own place on the page, and the end of it at first", () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-page-"));
  try {
    const path = join(folder, "page.md");
    writeFileSync(path, "# Page\n");
    for (const [name, text] of [
      ["tags", "one"],
      ["blobs", "two"],
      ["tags", "three"],
    ] as const)
      replaceSection(path, name, text);
    const page = "# Page\n\n<!-- tags -->\nthree\n<!-- end of tags -->\n\n<!-- blobs -->\ntwo\n<!-- end of blobs -->\n";
    expect(readFileSync(path, "utf8")).toBe(page);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
