import { expect, test } from "vitest";
import { isMirrorError } from "./errors.ts";
import { parseDownloadList } from "./plan/download-list.ts";
import { parseInventory } from "./plan/inventory.ts";

test.for([
  { version: "2", told: "2" },
  { version: '"one"', told: '"one"' },
  { version: "[".repeat(50_000) + "]".repeat(50_000), told: "a list" },
  { version: "{}", told: "an object" },
])("a file of version $told is refused with that", ({ version, told }) => {
  const refusal = expect.toSatisfy((error: unknown) => isMirrorError(error) && error.message.includes(`is ${told},`));
  expect(() => parseDownloadList(`{"version":${version}}`, "a file")).toThrow(refusal);
  expect(() => parseInventory(`{"kind":"inventory","version":${version}}`, "a file")).toThrow(refusal);
});

test("a file without a version is refused", () => {
  expect(() => parseDownloadList("{}", "a file")).toThrow("its version is missing");
});
