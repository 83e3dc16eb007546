import { attachedKinds } from "@tranship/core";
import * as z from "zod";
import { modulesSchema, packagesSchema } from "./catalog-schemas.ts";
import { pullSchema, pushSchema, rootfsSchema, serveSchema, verifySchema } from "./command-schemas.ts";
import type { Config } from "./config.ts";
import { imagesSchema } from "./image-schema.ts";
import { connectionSchema, registrySchema } from "./registry-schema.ts";
import { hostFault, placeFault, platformFault, sourceFault, targetFault } from "./value-checks.ts";
import { checked, text, yes } from "./values.ts";

const place = (description: string) => checked(z.string(), description, placeFault);

const schema = z.strictObject({
  version: z.literal(1).describe("The version of this file's format; 1, and 1 unless told.").optional(),
  source: checked(
    z.string(),
    "Where packages and modules are: registry and path; or oci:DIR, bundle:DIR.",
    sourceFault,
  ).optional(),
  bundle: text("The bundle's folder.").optional(),
  target: checked(z.string(), "Where the bundle goes: registry and path; or oci:DIR.", targetFault).optional(),
  packages: packagesSchema.optional(),
  modules: modulesSchema.optional(),
  images: imagesSchema.optional(),
  platforms: z
    .array(checked(z.string(), "Such as linux/arm64.", platformFault))
    .describe("Of images for several platforms only these.")
    .optional(),
  platformMode: z
    .enum(["narrow", "sparse"])
    .describe(
      "What becomes of their indexes: made anew with these alone, or kept, with the others left out; narrow unless told.",
    )
    .optional(),
  referrers: z
    .enum(attachedKinds)
    .describe("What to bring of attestations, signatures and the like; all unless told.")
    .optional(),
  onlyExtraImages: yes("Nothing but the extra images that packages and modules list.").optional(),
  proxyRegistry: yes("The source cannot list tags: one version after another is asked for.").optional(),
  pull: pullSchema.optional(),
  push: pushSchema.optional(),
  verify: verifySchema.optional(),
  serve: serveSchema.optional(),
  rootfs: rootfsSchema.optional(),
  connection: connectionSchema.optional(),
  mirrors: z
    .record(
      place("A registry, or a path in one."),
      z.union([place("A place with its content."), z.array(place("A place with its content."))]),
    )
    .describe(
      "Other places with a registry's content, asked first for what goes by digest, by registry or path in one.",
    )
    .optional(),
  registries: z
    .record(
      checked(z.string(), "A registry's host, such as registry.example.com or localhost:5000.", hostFault),
      registrySchema,
    )
    .describe("What holds for single registries, by host.")
    .optional(),
});

/** Schema of {@link Config}: nothing that it does not know. */
export const configSchema: z.ZodType<Config> = schema;

/** The published JSON Schema of `tranship.yaml`. */
export function configJsonSchema(): object {
  const { $schema, ...content } = z.toJSONSchema(schema, { io: "input" });
  const title =
    "tranship.yaml: what tranship plan, pull, push, sync, verify, repair, serve, rootfs and deps do in its folder";
  return { $schema, $id: "urn:tranship:config:1", title, ...content };
}
