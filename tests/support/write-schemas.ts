import { mkdirSync, writeFileSync } from "node:fs";
import { jsonSchemas } from "../../packages/core/src/plan/json-schemas.ts";

/** Writes the published JSON Schemas anew; a test tells when that is due. */
const folder = new URL("../../packages/core/schema/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, schema] of Object.entries(jsonSchemas())) {
  writeFileSync(new URL(name, folder), `${JSON.stringify(schema, undefined, 2)}\n`);
}
