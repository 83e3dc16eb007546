import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { outputJsonSchema } from "./output-json-schema.ts";

/** The published file, which `pnpm run schemas` writes. */
const published = JSON.parse(readFileSync(new URL("../../schema/output.schema.json", import.meta.url), "utf8"));

test("the published schema of output says what this program writes", () => {
  expect(published).toEqual(outputJsonSchema());
});

test("the published schema takes lines, with fields of later versions too, and refuses what is none", () => {
  const schema = z.fromJSONSchema(published);
  const line = { type: "archive.finished", archive: "package-app.tar", bytes: 1, outcome: "written" };
  const lines = [line, { ...line, later: 1 }, { ...line, bytes: -1 }, { ...line, type: "no.event" }, {}];
  expect(lines.map((one) => schema.safeParse(one).success)).toEqual([true, true, false, false, false]);
});
