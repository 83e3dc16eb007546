import type { BlobRole, InspectedImage, Inspection } from "@tranship/core";
import type { Digest } from "@tranship/registry";

/** What the page's script draws from: blobs once, images naming them by their place. */
export interface PageData {
  readonly repositories: readonly { readonly path: string; readonly images: readonly PageImage[] }[];
  readonly blobs: readonly (readonly [digest: Digest, bytes: number, role: BlobRole])[];
}

/** An image of the page; sizes in bytes, `blobs` by their place in {@link PageData}. */
export interface PageImage {
  readonly digest: Digest;
  readonly tags: readonly string[];
  readonly kind: string;
  readonly type: string;
  readonly platforms: readonly string[];
  readonly bytes: number;
  readonly unique: number;
  readonly blobs: readonly number[];
}

/** An inspection as the page's script reads it. */
export function pageData({ repositories, blobs }: Inspection): PageData {
  const places = new Map(blobs.map(({ digest }, at) => [digest, at]));
  const placesOf = ({ digest, manifests, blobs: own }: InspectedImage) => {
    const all = [digest, ...manifests.map((manifest) => manifest.digest), ...own];
    return [...new Set(all)].flatMap((one) => places.get(one) ?? []);
  };
  return {
    repositories: repositories.map(({ path, images }) => ({
      path,
      images: images.map((image) => ({
        digest: image.digest,
        tags: image.tags,
        kind: image.kind,
        type: image.artifactType ?? "",
        platforms: image.platforms,
        bytes: image.bytes,
        unique: image.uniqueBytes,
        blobs: placesOf(image),
      })),
    })),
    blobs: blobs.map(({ digest, size, role }) => [digest, size, role]),
  };
}
