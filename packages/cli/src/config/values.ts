import * as z from "zod";
import type { Fault } from "./value-checks.ts";

/** Adds a check of our own to a schema, and what the value is for. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  fault: (value: z.output<Schema>) => Fault,
): Schema {
  return schema
    .superRefine((value, context) => {
      const message = fault(value);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .describe(description);
}

/** Text of at least one character. */
export const text = (description: string): z.ZodString => z.string().min(1).describe(description);
/** Whether or not. */
export const yes = (description: string): z.ZodBoolean => z.boolean().describe(description);
/** A number, with a unit or without. */
export const measure = (): z.ZodUnion<[z.ZodString, z.ZodNumber]> => z.union([z.string(), z.number()]);

/** A check of several keys together. */
export type Refinement = (value: Readonly<Record<string, unknown>>, context: z.RefinementCtx) => void;

/** Two keys that mean nothing alone. */
export function together(one: string, other: string): Refinement {
  return (value, context) => {
    if ((value[one] === undefined) === (value[other] === undefined)) return;
    const given = value[one] === undefined ? other : one;
    context.addIssue({ code: "custom", path: [given], message: `${one} and ${other} need each other` });
  };
}
