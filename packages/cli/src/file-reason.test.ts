import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { fileReason } from "./file-reason.ts";

test("what the system says of a file is told in words, with its code", async () => {
  const reasonOf = async (path: string) => await readFile(path).catch(fileReason);
  expect(await reasonOf("/no/such/file")).toBe("there is no such file or folder (ENOENT)");
  expect(await reasonOf("/")).toBe("it is a folder (EISDIR)");
  expect(await reasonOf(`${import.meta.filename}/below`)).toMatch(/is a file \(ENOTDIR\)$/);
  expect([fileReason({ code: "EIO" }), fileReason(new Error("else"))]).toEqual(["EIO", "unknown"]);
});
