import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { PlannedStep } from "../plan/planner.ts";
import { Journal } from "./journal.ts";

function aPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "tranship-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "plan.ndjson");
}

function aStep(reference: string): PlannedStep {
  return { section: { repositories: [] }, missing: [{ reference, why: "version" }] };
}

function written(path: string): void {
  using journal = Journal.open(path);
  journal.want({ selection: "this" });
  journal.fixItems(0, [{ component: "packages", name: "a", archive: "package-a.tar" }]);
  journal.fixStep("package-a.tar", aStep("one"));
  journal.fixStep("package-a.tar", aStep("two"));
}

test("what was fixed is there when it is opened again", () => {
  const path = aPath();
  written(path);
  using journal = Journal.open(path);
  expect(journal.run?.selection).toBe("this");
  expect(journal.items(0)).toEqual([{ component: "packages", name: "a", archive: "package-a.tar" }]);
  expect(journal.items(1)).toBeUndefined();
  expect(journal.steps("package-a.tar")).toEqual([aStep("one"), aStep("two")]);
  expect(journal.steps("package-b.tar")).toEqual([]);
});

test("wherever the file is cut off, what is left is a beginning of what was written, and it can be continued", () => {
  const whole = aPath();
  written(whole);
  const bytes = readFileSync(whole);
  for (let length = 0; length <= bytes.byteLength; length += 1) {
    const path = aPath();
    writeFileSync(path, bytes);
    truncateSync(path, length);
    {
      using journal = Journal.open(path);
      const steps = journal.steps("package-a.tar");
      expect([aStep("one"), aStep("two")].slice(0, steps.length)).toEqual(steps);
      if (journal.run === undefined) {
        journal.want({ selection: "this" });
        journal.fixItems(0, []);
      }
      journal.fixStep("package-a.tar", aStep("next"));
    }
    using again = Journal.open(path);
    expect(again.steps("package-a.tar").at(-1)).toEqual(aStep("next"));
  }
});

test.for([
  { name: "no JSON", line: "nonsense" },
  {
    name: "a section out of turn",
    line: '{"type":"section","archive":"package-a.tar","index":9,"section":{"repositories":[]},"missing":[]}',
  },
  {
    name: "an archive outside of the folder",
    line: '{"type":"items","planner":0,"items":[{"component":"p","name":"x","archive":"../x.tar"}]}',
  },
  { name: "a second run", line: '{"type":"run","version":1,"selection":"that"}' },
])("from a line with $name on, nothing is believed", ({ line }) => {
  const path = aPath();
  written(path);
  appendFileSync(path, `${line}\n`);
  using journal = Journal.open(path);
  expect(journal.steps("package-a.tar")).toHaveLength(2);
  expect(journal.run?.selection).toBe("this");
  expect(readFileSync(path, "utf8")).not.toContain(line);
});
