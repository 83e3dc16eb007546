import { expect, test } from "vitest";
import { explanationTable } from "./explanation-table.ts";

test("reasons stand below each other, however long the tags of signatures are", () => {
  const text = explanationTable([
    {
      repository: "a.b/app",
      asked: "^1",
      verdicts: [
        { tag: "1.0.0", isSelected: true, why: "matched" },
        { tag: `sha256-${"0123456789ab".padEnd(64, "0")}.sig`, isSelected: false, why: "attached" },
      ] as never,
    },
  ]);
  expect(text.split("\n").slice(1)).toEqual([
    "  + 1.0.0                    every selector holds",
    "  - sha256-0123456789ab….sig hangs on an image, and comes with it",
  ]);
});
