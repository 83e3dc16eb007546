import { type Digest, isDigest, isIndexMediaType, isManifestMediaType } from "@tranship/registry";
import * as z from "zod";
import { canonicalName, parseImageRef } from "../image-reference.ts";

/** An image a daemon has, as far as what it says is read. */
export interface DockerImage {
  /** The daemon's own name for it: the digest of its config, or of its manifest. */
  readonly Id: string;
  /** `name@digest` for each repository it is known to be in. */
  readonly RepoDigests?: readonly string[] | null | undefined;
  /** Unpacked, in bytes. */
  readonly Size?: number | undefined;
  readonly Os?: string | undefined;
  readonly Architecture?: string | undefined;
  readonly Variant?: string | undefined;
  /** How it wants to be run; not checked yet. */
  readonly Config?: unknown;
  /** What its digest is of; newer daemons tell. */
  readonly Descriptor?: { readonly mediaType: string; readonly digest: string } | null | undefined;
}

/** Reads what a daemon says of an image. */
export const dockerImageSchema: z.ZodType<DockerImage> = z.object({
  Id: z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9][A-Za-z0-9:._-]*$/),
  RepoDigests: z.array(z.string().max(1000)).max(1000).nullish(),
  Size: z.number().int().nonnegative().optional(),
  Os: z.string().max(100).optional(),
  Architecture: z.string().max(100).optional(),
  Variant: z.string().max(100).optional(),
  Config: z.unknown().optional(),
  Descriptor: z.object({ mediaType: z.string().max(200), digest: z.string().max(200) }).nullish(),
});

/** How an image of a daemon is named by digest. */
export interface DockerDigests {
  /** `name@digest` as the registry has it, or the daemon's own id of an image that no registry gave it. */
  readonly digest: string;
  readonly manifestDigest?: Digest | undefined;
  readonly indexDigest?: Digest | undefined;
}

/**
 * What the daemon knows of an image's digests. It remembers the digest it was pulled by, which for an image of several
 * platforms is the index's; only newer daemons tell which of the two it is, and neither digest is claimed where they do not.
 */
export function dockerDigests(image: DockerImage, reference: string): DockerDigests {
  const named = (image.RepoDigests ?? []).flatMap((text) => {
    const at = text.lastIndexOf("@");
    const digest = text.slice(at + 1);
    return at > 0 && isDigest(digest) ? [{ name: nameOf(text.slice(0, at)), digest }] : [];
  });
  const name = nameOf(reference);
  const { digest: wanted } = parseImageRef(reference);
  const own = named.filter((one) => one.name === name);
  const found = own.find(({ digest }) => digest === wanted) ?? own[0] ?? named[0];
  if (found === undefined) return { digest: image.Id };
  const mediaType = image.Descriptor?.digest === found.digest ? image.Descriptor.mediaType : "";
  const kind = isIndexMediaType(mediaType)
    ? { indexDigest: found.digest }
    : isManifestMediaType(mediaType)
      ? { manifestDigest: found.digest }
      : {};
  return { digest: `${found.name}@${found.digest}`, ...kind };
}

function nameOf(reference: string): string {
  try {
    return canonicalName(parseImageRef(reference));
  } catch {
    return reference; // a name the daemon takes and we do not
  }
}
