import { type Digest, isDigest, isIndexMediaType, isManifestMediaType } from "@tranship/registry";
import * as z from "zod";
import { canonicalName, parseImageRef } from "../image-reference.ts";

/** What a daemon says of an image it has, as far as it is read. */
export const dockerImageSchema = z.object({
  Id: z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9][A-Za-z0-9:._-]*$/),
  RepoDigests: z.array(z.string().max(1000)).max(1000).nullish(),
  /** Unpacked, in bytes. */
  Size: z.number().int().nonnegative().optional(),
  Os: z.string().max(100).optional(),
  Architecture: z.string().max(100).optional(),
  Variant: z.string().max(100).optional(),
  Config: z.unknown().optional(),
  Descriptor: z.object({ mediaType: z.string().max(200), digest: z.string().max(200) }).nullish(),
});

/** An image a daemon has. */
export type DockerImage = z.infer<typeof dockerImageSchema>;

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
