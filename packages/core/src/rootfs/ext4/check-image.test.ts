import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ProgramFolder } from "../../../../../tests/support/program-folder.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { checkImage, indexDirectories } from "./check-image.ts";

describe.skipIf(process.platform === "win32")("when e2fsck ends", () => {
  test.for([
    { exitCode: 0, isCorrected: true, isSound: true },
    { exitCode: 1, isCorrected: true, isSound: false },
    { exitCode: 2, isCorrected: true, isSound: false },
    { exitCode: 3, isCorrected: false, isSound: false },
    { exitCode: 4, isCorrected: false, isSound: false },
    { exitCode: 8, isCorrected: false, isSound: false },
  ])("with $exitCode, corrections are good: $isCorrected, and a check is: $isSound", async (row) => {
    const { environment } = new ProgramFolder().add("e2fsck", `exit ${row.exitCode}`);
    const image = join(tempFolder(), "image");
    const details = { exitCode: row.exitCode };
    for (const [run, isGood] of [
      [() => indexDirectories(image, { environment }), row.isCorrected],
      [() => checkImage(image, { environment }), row.isSound],
    ] as const) {
      if (isGood) await run();
      else await expect(run()).rejects.toMatchObject({ code: "TOOL_FAILED", details });
    }
  });
});
