import { type Descriptor, type Digest, type Manifest, MediaType, manifestOf } from "@tranship/registry";
import { compareText } from "../layout/index-file.ts";

/**
 * A list of referrers as it goes under their subject's fallback tag. The same referrers always make the same list.
 * @see distribution-spec v1.1.1, "Referrers Tag Schema"
 */
export function madeList(referrers: readonly Descriptor[]): Manifest {
  const manifests = [...referrers]
    .sort((a, b) => compareText(a.digest, b.digest))
    .map(({ mediaType, digest, size, artifactType, annotations }) => ({
      mediaType,
      digest,
      size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations: sorted(annotations) }),
    }));
  const text = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
  return manifestOf(new TextEncoder().encode(text), MediaType.ociIndex);
}

/** Whether two lists name the same manifests, in whichever order. */
export function listsSame(one: readonly Descriptor[], other: readonly Descriptor[]): boolean {
  const [there, wanted] = [digestsOf(one), digestsOf(other)];
  return there.size === wanted.size && [...wanted].every((digest) => there.has(digest));
}

function digestsOf(descriptors: readonly Descriptor[]): ReadonlySet<Digest> {
  return new Set(descriptors.map(({ digest }) => digest));
}

function sorted(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => compareText(a, b)));
}
