import { mkdirSync, writeFileSync } from "node:fs";
import { configJsonSchema } from "../../packages/cli/src/config/config-schema.ts";
import { outputJsonSchema } from "../../packages/cli/src/output-schema/output-json-schema.ts";
import { jsonSchemas } from "../../packages/core/src/plan/json-schemas.ts";

/** Writes the published JSON Schemas anew; tests tell when that is due. */
const published: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  core: jsonSchemas(),
  cli: { "config.schema.json": configJsonSchema(), "output.schema.json": outputJsonSchema() },
};
for (const [name, schemas] of Object.entries(published)) {
  const folder = new URL(`../../packages/${name}/schema/`, import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const [file, schema] of Object.entries(schemas)) {
    writeFileSync(new URL(file, folder), `${JSON.stringify(schema, undefined, 2)}\n`);
  }
}
