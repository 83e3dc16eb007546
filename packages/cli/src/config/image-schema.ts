import type { Digest, Tag } from "@tranship/registry";
import * as z from "zod";
import type { ImagesConfig } from "./config.ts";
import { imageExclusionFault, imageFault, imagePathsFault } from "./value-checks.ts";
import { checked, text } from "./values.ts";

const newest = (description: string) => z.number().int().min(1).max(1_000_000).describe(description);

/** The parts of an image's expression; `imageFault` says what of them is wrong. */
const imageSelection = z.strictObject({
  repository: text("Host and path, such as ghcr.io/org/app; without a host, one of Docker Hub."),
  tags: (z.array(z.string()) as unknown as z.ZodArray<z.ZodType<Tag>>)
    .min(1)
    .describe("Exact tags; a tag such as 3.20 needs quotes.")
    .optional(),
  digest: (
    text("Alone, the image of that digest; with one tag, what the tag has to be.") as unknown as z.ZodType<Digest>
  ).optional(),
  range: text("Versions in a range, such as ^1.3 or '>=1.2 <2'.").optional(),
  since: text("Versions from this one on.").optional(),
  regex: text("Tags a JavaScript regular expression fits, such as ^v[0-9]+$.").optional(),
  glob: text("Tags a glob fits whole, such as v1.*; begin it with a quote where it begins with *.").optional(),
  latestPatchPerMinor: newest("Of every minor line of versions, so many of the newest patches.").optional(),
  latest: newest("Only so many of the newest versions; counted last.").optional(),
  exclude: z.array(z.string()).describe("Tags to leave out: globs, /regex/, =TAG or ranges.").optional(),
});

const rewrite = z.strictObject({
  from: text("What full names begin with, in whole components, such as ghcr.io/org."),
  to: z.string().describe("What takes its place, such as mirror/org; may be empty."),
});

/** Schema of which images are wanted, and where they go. */
export const imagesSchema: z.ZodType<ImagesConfig> = z
  .strictObject({
    include: z
      .array(
        checked(
          z.union([z.string(), imageSelection]),
          "host/path:TAG, @DIGEST, or @ and what selects tags, such as 'alpine@^3.19 & latest:2'; or the parts of it.",
          imageFault,
        ),
      )
      .describe("Which images.")
      .optional(),
    exclude: z
      .array(checked(z.string(), "Such as 'ghcr.io/org/app@*-rc*'; * for every name.", imageExclusionFault))
      .describe("Tags of them to leave out.")
      .optional(),
    host: z
      .enum(["keep", "strip"])
      .describe("Whether their paths begin with the registry's host; keep unless told.")
      .optional(),
    prefix: z.string().describe("What their paths begin with.").optional(),
    rewrites: z.array(rewrite).describe("Other beginnings for their paths.").optional(),
  })
  .superRefine(({ host, prefix, rewrites }, context) => {
    const message = imagePathsFault({ host, prefix, rewrites });
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .superRefine(({ include, ...others }, context) => {
    const [first] = Object.keys(others);
    if ((include ?? []).length > 0 || first === undefined) return;
    context.addIssue({ code: "custom", path: [first], message: "it needs include beside it, which says which images" });
  })
  .describe("Images of any registries.");
