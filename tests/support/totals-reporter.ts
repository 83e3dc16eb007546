import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

/**
 * Writes what a run came to into a text file, for scripts that cannot read the usual summary: one line for every
 * skipped test with its reason, then `tests: 12 passed, 0 failed, 1 skipped`. A file that could not be loaded counts as
 * one failed test.
 */
export class TotalsReporter implements Reporter {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandled.length;
    const skipped = tests.filter((test) => test.result().state === "skipped");
    const lines = skipped.map((test) => {
      const result = test.result();
      const note = result.state === "skipped" ? result.note : undefined;
      return `skipped: ${test.module.relativeModuleId} > ${test.fullName}${note === undefined ? "" : ` (${note})`}`;
    });
    const unfinished = count("pending");
    lines.push(
      `tests: ${count("passed")} passed, ${count("failed") + broken + unfinished} failed, ${skipped.length} skipped`,
    );
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(this.#path, `${lines.join("\n")}\n`);
  }
}
