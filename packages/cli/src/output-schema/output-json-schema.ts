import * as z from "zod";
import { eventSchema } from "./event-schema.ts";
import type { OutputLine } from "./output-line.ts";
import { failureSchema, reportSchema } from "./report-schema.ts";

/** Schema of a line of standard output with `--json`. */
export const outputLineSchema: z.ZodType<OutputLine> = z.union([eventSchema, reportSchema, failureSchema]);

/**
 * The published JSON Schema of a line. What it does not name is allowed: later versions tell more.
 * With `isClosed` it is not, for tests.
 */
export function outputJsonSchema({ isClosed = false }: { readonly isClosed?: boolean } = {}): object {
  const { $schema, ...content } = z.toJSONSchema(outputLineSchema, { io: isClosed ? "output" : "input" });
  const title = "A line of standard output of `tranship … --json`: an event, or, last, the report or the failure";
  return { $schema, $id: "urn:tranship:output-line:1", title, ...content };
}
