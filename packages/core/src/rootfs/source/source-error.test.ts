import { RegistryError } from "@tranship/registry";
import { expect, test } from "vitest";
import { sourceError } from "./source-error.ts";

test.for([
  ["is asked in plain HTTP and speaks TLS", "PROTOCOL", "SOURCE_FAILED"],
  ["has no manifest where one should be", "INVALID_MANIFEST", "IMAGE_INVALID"],
] as const)("a registry that %s", ([, code, told]) => {
  const cause = new RegistryError(code, "why", { registry: "r", reference: "r/a:1", reason: "TLS_EXPECTED" });
  expect(sourceError(cause, "read", "r/a:1", undefined)).toMatchObject({ code: told, cause });
});
