import * as z from "zod";
import { manifestSchema } from "../deps/manifest-file/manifest-schema.ts";
import { downloadListSchema } from "./download-list.ts";
import { lockFileSchema } from "./lock-file.ts";

/** The published JSON Schemas by file name, made from what this program reads such files with. */
export function jsonSchemas(): Readonly<Record<string, object>> {
  return {
    "deps-manifest.schema.json": schemaOf(
      manifestSchema,
      "urn:tranship:deps-manifest:1",
      "A manifest of dependencies, as `tranship deps --manifest` reads it",
    ),
    "download-list.schema.json": schemaOf(
      downloadListSchema,
      "urn:tranship:download-list:1",
      "A plan: everything a pull transfers, as `tranship plan -o` writes it",
    ),
    "lock-file.schema.json": schemaOf(
      lockFileSchema,
      "urn:tranship:lock-file:1",
      "The tranship.lock.json of a finished bundle: its plan, and the archives made of it",
    ),
  };
}

/** As files are read: what a schema does not name is allowed. */
function schemaOf(schema: z.ZodType, id: string, title: string): object {
  const { $schema, ...content } = z.toJSONSchema(schema, { io: "input" });
  return { $schema, $id: id, title, ...content };
}
