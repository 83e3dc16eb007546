import {
  type Digest,
  digestAlgorithm,
  digestHex,
  isDigest,
  isManifestMediaType,
  type Manifest,
  sharedText,
} from "@tranship/registry";
import * as z from "zod";
import { repositoryPathSchema, tagSchema, textSchema } from "./names.ts";

/** Why an image is in the plan. */
export const reasons = [
  "channel",
  "version",
  "constraint",
  "pin",
  "alias",
  "release",
  "catalog",
  "internal",
  "extra",
  "attestation",
] as const;

/**
 * Why an image is in the plan: a release channel, a version a channel points at or a constraint selects, a tag asked for
 * by name, a channel that stands for such a tag, the release metadata of a version, the catalog of everything the source
 * offers, an image that another one lists by its digest or as an extra, or what was attached to an image.
 */
export type Reason = (typeof reasons)[number];

/** Schema of a digest. */
export const digestSchema: z.ZodType<Digest> = z
  .string()
  .refine((text): text is Digest => isDigest(text), "not a digest")
  .overwrite(sharedText)
  .meta({ pattern: "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$" }); // for readers of the published schema

/** Schema of a size in bytes. */
export const sizeSchema: z.ZodType<number> = z
  .number()
  .int()
  .nonnegative()
  .max(Number.MAX_SAFE_INTEGER)
  .overwrite((size) => size + 0) // JSON has a zero below zero, too
  .describe("In bytes.");

/** One image of the plan: what a tag names, where it comes from and why it is here. `size` is the manifest's, in bytes. */
export interface PlannedImage {
  /** The tag it is stored and pushed under. */
  readonly tag: string;
  /** The full reference it was resolved from, such as `registry.example.com/deckhouse/fe/packages/console:v1.45.2`. */
  readonly reference: string;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly why: readonly Reason[];
}

/** One piece of content of the plan: a manifest (by its media type), config or layer. `size` is in bytes. */
export interface PlannedBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
}

/** A blob that is left out because the other side has it already. */
export interface AssumedBlob extends PlannedBlob {
  /** Paths of repositories, below the registry root, that have it there; its own path first, then bytewise, at most a few. */
  readonly from: readonly string[];
}

/**
 * A manifest that an index lists and that is left out, with all it leads to, as only images for other platforms were
 * wanted: the index stays as it is. `size` is the manifest's, in bytes.
 */
export interface LeftOutManifest extends PlannedBlob {
  /** What it is for, such as `linux/s390x`, where the index says so. */
  readonly platform?: string | undefined;
  /** The index that lists it. */
  readonly index: Digest;
  /** The image of the section that leads to that index. @defaultValue the index itself */
  readonly image?: Digest | undefined;
}

/** A manifest that is not at the source, word for word: a list of what refers to an image there, or what is left of an index. */
export interface MadeManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly text: string;
}

/** What one section puts into one repository. */
export interface PlannedRepository {
  /** Where it is stored and pushed: the repository's path below the registry root, and its layout's folder in the archive. */
  readonly path: string;
  /** The full name of the repository it is read from. */
  readonly source: string;
  readonly images: readonly PlannedImage[];
  /** Every blob of those images' graphs that no earlier section of the archive holds in this repository. */
  readonly blobs: readonly PlannedBlob[];
  /** Configs and layers of those images that the archive does not hold: the base it was made over has them. @defaultValue none */
  readonly assumed?: readonly AssumedBlob[] | undefined;
  /** Manifests among `blobs` that are not at the source. @defaultValue none */
  readonly made?: readonly MadeManifest[] | undefined;
  /** What these images list and the section does not bring, as it was not wanted; bytewise by digest. @defaultValue none */
  readonly leftOut?: readonly LeftOutManifest[] | undefined;
}

/**
 * A step of an archive's content, fixed whole before the first of its bytes is written. The bytes of an archive are a
 * function of the ordered list of its sections and of nothing else.
 */
export interface Section {
  readonly repositories: readonly PlannedRepository[];
}

const mediaTypeSchema = z.string().overwrite(sharedText);

const blobShape = { digest: digestSchema, size: sizeSchema, mediaType: mediaTypeSchema };

const assumedSchema: z.ZodType<AssumedBlob> = z
  .object({
    ...blobShape,
    from: z.array(repositoryPathSchema).describe("Repositories that have it there, a few at most."),
  })
  .refine(({ mediaType }) => !isManifestMediaType(mediaType), "a manifest is never left out");

const leftOutSchema: z.ZodType<LeftOutManifest> = z
  .object({
    ...blobShape,
    platform: textSchema.optional().describe("What it is for, such as linux/s390x."),
    index: digestSchema.describe("The index that lists it."),
    image: digestSchema.optional().describe("The image that leads to that index, where it is another."),
  })
  .refine(({ mediaType }) => isManifestMediaType(mediaType), "only a manifest can be left out of an index");

/** Schema of {@link Section}. */
export const sectionSchema: z.ZodType<Section> = z.object({
  repositories: z.array(
    z.object({
      path: repositoryPathSchema.describe("Where it is stored and pushed, below the registry root."),
      source: textSchema.describe("The full name of the repository it is read from."),
      images: z.array(
        z.object({
          tag: tagSchema.describe("The tag it is stored and pushed under."),
          reference: textSchema.overwrite(sharedText).describe("The full reference it was resolved from."),
          mediaType: mediaTypeSchema,
          digest: digestSchema,
          size: sizeSchema.describe("Of the manifest, in bytes."),
          why: z.array(z.enum(reasons)).describe("Why it is here."),
        }),
      ),
      blobs: z
        .array(z.object(blobShape))
        .describe("Manifests, configs and layers of the images that no earlier section of the archive has here."),
      assumed: z.array(assumedSchema).optional().describe("Configs and layers that are left out: the base has them."),
      made: z
        .array(z.object({ digest: digestSchema, mediaType: mediaTypeSchema, text: z.string() }))
        .optional()
        .describe("Manifests among the blobs that are not at the source, word for word."),
      leftOut: z
        .array(leftOutSchema)
        .optional()
        .describe("Manifests that indexes here list and that are left out on purpose, with all they lead to."),
    }),
  ),
});

/** The path of a blob inside a layout: `blobs/sha256/<hex>` (image-spec v1.1, "Blobs"). */
export function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/** A {@link MadeManifest} as a manifest; whoever stores it hashes it. */
export function madeManifest({ digest, mediaType, text }: MadeManifest): Manifest {
  const bytes = new TextEncoder().encode(text);
  return { descriptor: { mediaType, digest, size: bytes.byteLength }, bytes };
}
