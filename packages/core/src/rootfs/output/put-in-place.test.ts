import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { putInPlace } from "./put-in-place.ts";

test.for([{ isThere: true }, { isThere: false }])(
  "what cannot be put in place leaves what was there, if anything: $isThere",
  async ({ isThere }) => {
    const folder = tempFolder();
    const target = join(folder, "target");
    if (isThere) mkdirSync(target);
    if (isThere) writeFileSync(join(target, "mine"), "");
    const putting = putInPlace(join(folder, "nothing"), target, join(folder, "aside"));
    await expect(putting).rejects.toMatchObject({ code: "FILE_FAILED", details: { path: target, reason: "ENOENT" } });
    expect(readdirSync(folder)).toEqual(isThere ? ["target"] : []);
    if (isThere) expect(readdirSync(target)).toEqual(["mine"]);
  },
);
