import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { lockedAsBefore } from "./true-lock.ts";
import { WorkFolder } from "./work-folder.ts";

test("where no archive is asked about, no plan is read", () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-lock-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(new WorkFolder(folder).journalPath, { recursive: true }); // no file: reading it is an error
  expect(() => lockedAsBefore(folder, new Set(["package-a.tar"]), undefined)).toThrow(
    expect.objectContaining({ code: "FILE_FAILED" }),
  );
  expect(lockedAsBefore(folder, new Set(), undefined)).toEqual([]);
});
