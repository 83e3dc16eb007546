import * as z from "zod";
import type { CredentialReference } from "./config.ts";

const variable = (description: string) =>
  z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "this is the name of an environment variable, not what is in it")
    .describe(description);

const env = z
  .strictObject({
    username: variable("The variable with the user name; with password.").optional(),
    password: variable("The variable with the password; with username.").optional(),
    license: variable("The variable with a license token, in place of the two.").optional(),
  })
  .superRefine(({ username, password, license }, context) => {
    const isLogin = username !== undefined && password !== undefined && license === undefined;
    const isLicense = username === undefined && password === undefined && license !== undefined;
    if (isLogin || isLicense) return;
    context.addIssue({ code: "custom", message: "name two variables, username and password, or one alone, license" });
  })
  .describe("Environment variables with the credentials, by name.");

/** Schema of a {@link CredentialReference}. */
export function credentialReference(description: string): z.ZodType<CredentialReference> {
  return z
    .strictObject({
      docker: z
        .union([z.literal(true), z.string().min(1)])
        .describe("What docker or podman keep: true for where they keep it, or a file of that kind.")
        .optional(),
      env: env.optional(),
      file: z.string().min(1).describe("A file with one line, username:password.").optional(),
    })
    .superRefine((value, context) => {
      if (Object.keys(value).length === 1) return;
      const message = "say exactly one of docker: true, env: { username: VARIABLE, password: VARIABLE } and file: PATH";
      context.addIssue({ code: "custom", message });
    })
    .describe(description);
}
