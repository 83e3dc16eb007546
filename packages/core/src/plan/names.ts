import { isRepositoryPath, isTag } from "@tranship/registry";
import * as z from "zod";

/** Schema of an archive's file name: it stays in the bundle's folder and is no hidden file. */
export const archiveNameSchema: z.ZodType<string> = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,250}\.tar$/, "not the name of an archive");

/** Schema of a repository's path below a root; the root itself is empty. */
export const repositoryPathSchema: z.ZodType<string> = z
  .string()
  .refine((path) => path === "" || isRepositoryPath(path), "not a repository path");

/** Schema of a tag. */
export const tagSchema: z.ZodType<string> = z.string().refine(isTag, "not a tag");

/** Schema of a text that is shown to people: one line, nothing that steers a terminal. */
export const textSchema: z.ZodType<string> = z.string().refine((text) => !/\p{Cc}/u.test(text), "not a line of text");
