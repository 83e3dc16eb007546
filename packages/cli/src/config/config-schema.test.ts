import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { configJsonSchema } from "./config-schema.ts";
import type { KeySchema } from "./schema-keys.ts";

/** The published file, which `pnpm run schemas` writes. */
const published = JSON.parse(readFileSync(new URL("../../schema/config.schema.json", import.meta.url), "utf8"));

/** Paths of the keys that nothing is said about. */
function undescribed(schema: KeySchema, path: string): readonly string[] {
  const own = Object.entries(schema.properties ?? {});
  return [
    ...own.flatMap(([key, one]) => (one.description ? [] : [`${path}.${key}`])),
    ...own.flatMap(([key, one]) => undescribed(one, `${path}.${key}`)),
    ...[schema.additionalProperties, schema.items, ...(schema.anyOf ?? [])].flatMap((one) =>
      typeof one === "object" ? undescribed(one, `${path}.*`) : [],
    ),
  ];
}

test("the published schema is what this program reads by, and says what every key is for", () => {
  expect(published).toEqual(configJsonSchema());
  expect(undescribed(published, "")).toEqual([]);
});

test("the published schema takes what may be written and refuses what may not", () => {
  const schema = z.fromJSONSchema(published);
  const texts = [
    { pull: { chunkSize: "4GB" } },
    {},
    { pull: { chunksize: 1 } },
    { registries: { "a.b": { password: "x" } } },
  ];
  expect(texts.map((one) => schema.safeParse(one).success)).toEqual([true, true, false, false]);
});
