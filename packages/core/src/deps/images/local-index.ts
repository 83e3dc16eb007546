import {
  Annotation,
  type Descriptor,
  type ImageIndex,
  type ImageManifest,
  type Manifest,
  MediaType,
  manifestOf,
} from "@tranship/registry";
import { compareText } from "../../layout/index-file.ts";
import { formatPlatform, isSamePlatform } from "./platforms.ts";

/**
 * An index of the images that are here under one name, for those who ask for it by that: made of what was there and one
 * image more, which takes the place of any other for its platform. Equal images give equal bytes, in whatever order they came.
 */
export function extendedIndex(name: string, before: readonly Descriptor[], image: Descriptor): Manifest {
  const others = before.filter(
    (other) => other.digest !== image.digest && !isSamePlatform(other.platform, image.platform),
  );
  const manifests = [...others, image].map(listedEntry).sort((a, b) => compareText(keyOf(a), keyOf(b)));
  const body = {
    schemaVersion: 2,
    mediaType: MediaType.ociIndex,
    manifests,
    annotations: { [Annotation.localIndex]: name },
  };
  return manifestOf(new TextEncoder().encode(`${JSON.stringify(body, undefined, 2)}\n`), MediaType.ociIndex);
}

/** The name an index was made for by {@link extendedIndex}; `undefined` for all others. */
export function localNameOf({ kind, annotations }: ImageManifest | ImageIndex): string | undefined {
  return kind === "index" ? annotations?.[Annotation.localIndex] : undefined;
}

function listedEntry({ mediaType, digest, size, platform }: Descriptor): Descriptor {
  return { mediaType, digest, size, ...(platform === undefined ? {} : { platform }) };
}

function keyOf({ platform, digest }: Descriptor): string {
  return `${platform === undefined ? "" : formatPlatform(platform)} ${digest}`;
}
