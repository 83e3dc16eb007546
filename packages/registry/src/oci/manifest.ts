import * as z from "zod";
import { RegistryError } from "../errors.ts";
import type { Descriptor } from "./descriptor.ts";
import { type Digest, digestAlgorithm, digestOf, isDigest } from "./digest.ts";
import { isForeignLayerMediaType, isIndexMediaType, isManifestMediaType, MediaType } from "./media-type.ts";
import { sharedText } from "./shared-text.ts";

/** A manifest or index as it is stored: its exact bytes, and the descriptor that names them. */
export interface Manifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** What an image manifest says. @see image-spec v1.1, "OCI Image Manifest Specification" */
export interface ImageManifest {
  readonly kind: "image";
  readonly mediaType: string;
  readonly artifactType?: string | undefined;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** What an index (or Docker manifest list) says. @see image-spec v1.1, "OCI Image Index Specification" */
export interface ImageIndex {
  readonly kind: "index";
  readonly mediaType: string;
  readonly artifactType?: string | undefined;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** The largest manifest read unless a caller says otherwise, in bytes (distribution-spec v1.1.1, "Pushing Manifests"). */
export const defaultMaxManifestBytes: number = 4 * 1024 * 1024;

/** More descriptors than this in one manifest are refused. */
const maxDescriptors = 10_000;

const annotationsSchema = z.record(z.string(), z.string()).nullish();

const platformSchema = z.object({
  architecture: z.string(),
  os: z.string(),
  "os.version": z.string().optional(),
  "os.features": z.array(z.string()).optional(),
  variant: z.string().optional(),
});

/** Schema of a descriptor as found in manifests and `index.json`. */
export const descriptorSchema: z.ZodType<Descriptor> = z.object({
  mediaType: z.string().min(1).max(255).overwrite(sharedText),
  digest: z
    .string()
    .refine((text): text is Digest => isDigest(text), "not a digest")
    .overwrite(sharedText),
  size: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  annotations: z
    .record(z.string(), z.string().overwrite(sharedText))
    .nullish()
    .transform((value) => value ?? undefined),
  artifactType: z.string().optional(),
  platform: platformSchema.nullish().transform((value) => value ?? undefined),
  urls: z
    .array(z.string())
    .nullish()
    .transform((value) => value ?? undefined),
  data: z.string().optional(),
}) as unknown as z.ZodType<Descriptor>;

const commonShape = {
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  subject: descriptorSchema.nullish(),
  annotations: annotationsSchema,
};

const imageSchema = z.object({
  ...commonShape,
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(maxDescriptors).nullish(),
});

const indexSchema = z.object({
  ...commonShape,
  manifests: z.array(descriptorSchema).max(maxDescriptors).nullish(),
});

/**
 * Parses a manifest's bytes by its descriptor's media type. The body's own `mediaType`, where present, must agree.
 * @throws RegistryError `INVALID_MANIFEST`
 * @see image-spec v1.1, "OCI Image Manifest Specification" and "OCI Image Index Specification"
 */
export function parseManifest(manifest: Manifest): ImageManifest | ImageIndex {
  const { mediaType, digest } = manifest.descriptor;
  const refuse = (reason: string, cause?: unknown) =>
    new RegistryError(
      "INVALID_MANIFEST",
      `cannot read manifest ${digest}: ${reason}`,
      { reference: digest, reason },
      { cause },
    );
  if (!isManifestMediaType(mediaType)) throw refuse(`${mediaType} is not a manifest type`);
  const json = parseJson(manifest.bytes);
  if (json === undefined) throw refuse("it is not JSON");
  const result = (isIndexMediaType(mediaType) ? indexSchema : imageSchema).safeParse(json);
  if (!result.success) throw refuse(firstIssue(result.error), result.error);
  const body = result.data;
  if (body.mediaType !== undefined && body.mediaType !== "" && body.mediaType !== mediaType) {
    throw refuse(`it calls itself ${JSON.stringify(body.mediaType.slice(0, 150))} but was served as ${mediaType}`);
  }
  const common = {
    mediaType,
    artifactType: body.artifactType,
    subject: body.subject ?? undefined,
    annotations: body.annotations ?? undefined,
  };
  if ("config" in body) return { kind: "image", ...common, config: body.config, layers: body.layers ?? [] };
  return { kind: "index", ...common, manifests: (body as z.infer<typeof indexSchema>).manifests ?? [] };
}

/**
 * How a list of referrers names a manifest: with its type and its annotations.
 * @see distribution-spec v1.1.1, "Listing Referrers"
 */
export function referrerDescriptor(
  { mediaType, digest, size }: Descriptor,
  content: ImageManifest | ImageIndex,
): Descriptor {
  const artifactType = content.artifactType || (content.kind === "image" ? content.config.mediaType : undefined);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType ? { artifactType } : {}),
    ...(content.annotations ? { annotations: content.annotations } : {}),
  };
}

/** The manifests an index lists; none for an image. */
export function childManifests(content: ImageManifest | ImageIndex): readonly Descriptor[] {
  return content.kind === "index" ? content.manifests : [];
}

/** The blobs an image needs to be whole: its config and its layers, without those that live elsewhere by their `urls`. */
export function childBlobs(content: ImageManifest | ImageIndex): readonly Descriptor[] {
  if (content.kind === "index") return [];
  return [content.config, ...content.layers].filter((blob) => !isForeignLayerMediaType(blob.mediaType));
}

/**
 * A {@link Manifest} around bytes whose type is known: computes the digest.
 * With `expected`, the bytes must hash to it.
 * @throws RegistryError `DIGEST_MISMATCH`
 */
export function manifestOf(bytes: Uint8Array, mediaType: string, expected?: Digest): Manifest {
  const digest = digestOf(bytes, expected ? digestAlgorithm(expected) : "sha256");
  if (expected && digest !== expected) {
    throw new RegistryError("DIGEST_MISMATCH", `manifest ${expected} arrived as ${digest}`, {
      reference: expected,
      expected,
      actual: digest,
    });
  }
  const descriptor = { mediaType: sharedText(mediaType), digest: sharedText(digest), size: bytes.byteLength };
  return { descriptor, bytes };
}

/**
 * The media type a stored manifest declares, for homes that keep bytes without types.
 * Falls back on its shape: `manifests` makes an index, anything else an image.
 */
export function sniffManifestMediaType(bytes: Uint8Array): string | undefined {
  const json = parseJson(bytes);
  if (typeof json !== "object" || json === null) return undefined;
  const { mediaType } = json as { readonly mediaType?: unknown };
  if (typeof mediaType === "string" && isManifestMediaType(mediaType)) return mediaType;
  if ("manifests" in json) return MediaType.ociIndex;
  return "config" in json ? MediaType.ociManifest : undefined;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return "it has the wrong shape";
  const path = issue.path.join(".").replace(/\p{C}+/gu, " "); // its keys are the manifest's own words
  return `${path.slice(0, 150) || "body"}: ${issue.message}`;
}
