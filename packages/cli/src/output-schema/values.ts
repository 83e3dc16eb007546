import { type Digest, isDigest } from "@tranship/registry";
import * as z from "zod";

/** Schema of a digest. */
export const digest: z.ZodType<Digest> = z
  .string()
  .refine((text): text is Digest => isDigest(text), "not a digest")
  .meta({ pattern: "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$" }); // for readers of the published schema

/** Schema of a count. */
export const amount: z.ZodType<number> = z.number().int().nonnegative();

/** Schema of a size in bytes. */
export const bytes: z.ZodType<number> = z.number().int().nonnegative().describe("In bytes.");

/** Schema of a time that has passed. */
export const milliseconds: z.ZodType<number> = z.number().nonnegative().describe("In milliseconds.");

/** Schema of blobs and their bytes together. */
export const blobCount: z.ZodType<{ blobs: number; bytes: number }> = z.object({ blobs: amount, bytes });

/** Schema of a side of a transfer. */
export const side: z.ZodType<"source" | "target" | "local"> = z.enum(["source", "target", "local"]);
