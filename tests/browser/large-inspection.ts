import type { InspectedImage, InspectedRepository, Inspection } from "@tranship/core";
import { type Digest, digestOf, MediaType } from "@tranship/registry";

/** A name that would run as a script wherever it is taken for markup. */
export const hostileName = `"><img src=x onerror="hacked=1"></script><script>hacked=1</script><!--`;

/** Images of a repository share the first layer, those of all repositories the second. */
const sizes = { own: 900_000, ofRepository: 4_000_000, ofAll: 7_000_000, manifest: 600 };

/** 40 repositories of images that share layers, some of what is said about them hostile: what a page is tried with. */
export function largeInspection(imagesOfEach: number): Inspection {
  const amounts = { repositories: 40, images: imagesOfEach };
  const blobs = new Map<Digest, { size: number; images: number; repositories: Set<string> }>();
  const use = (name: string, size: number, path: string): Digest => {
    const digest = digestOf(new TextEncoder().encode(name));
    const known = blobs.get(digest) ?? { size, images: 0, repositories: new Set<string>() };
    blobs.set(digest, known);
    known.images += 1;
    known.repositories.add(path);
    return digest;
  };
  const repositories = Array.from({ length: amounts.repositories }, (_, nth): InspectedRepository => {
    const path = `packages/package-${String(nth).padStart(2, "0")}`;
    const images = Array.from({ length: amounts.images }, (_, version): InspectedImage => {
      const own = sizes.own + 10_000 * nth + 1000 * version;
      const layers = [
        use("layer of all", sizes.ofAll, path),
        use(`layer of ${path}`, sizes.ofRepository, path),
        use(`layer of ${path} ${version}`, own, path),
      ];
      return {
        digest: use(`manifest of ${path} ${version}`, sizes.manifest, path),
        mediaType: MediaType.ociManifest,
        kind: version === 3 ? "artifact" : "image",
        ...(version === 3 ? { artifactType: hostileName } : {}),
        tags: [`v1.${amounts.images - version}.0`],
        why: [],
        platforms: [version === 3 ? hostileName : "linux/amd64"],
        size: sizes.manifest,
        bytes: sizes.manifest + sizes.ofAll + sizes.ofRepository + own,
        uniqueBytes: sizes.manifest + own,
        blobs: layers,
        manifests: [],
      };
    });
    return { path, bytes: 0, uniqueBytes: 0, images };
  });
  const list = [...blobs].map(([digest, { size, images, repositories: paths }]) => ({
    digest,
    size,
    mediaType: MediaType.ociLayerGzip,
    role: size === sizes.manifest ? ("manifest" as const) : ("layer" as const),
    images,
    repositories: [...paths],
    archives: [hostileName],
    copies: paths.size,
  }));
  const none = { blobs: 0, bytes: 0 };
  return {
    version: 1,
    kind: "inspection",
    place: `bundle:${hostileName}`,
    sources: [hostileName],
    totals: {
      repositories: amounts.repositories,
      images: amounts.repositories * amounts.images,
      tags: amounts.repositories * amounts.images,
      archives: 1,
      blobs: list.length,
      archiveBytes: 2_600_000_000,
      storedBytes: 2_500_000_000,
      distinctBytes: 2_100_000_000,
      unsharedBytes: 25_000_000_000,
      assumed: none,
      lacking: { blobs: 1, bytes: 10 },
      unreferenced: none,
    },
    repositories,
    blobs: list,
    archives: [
      {
        name: hostileName,
        bytes: 2_600_000_000,
        files: [{ file: hostileName, bytes: 2_600_000_000 }],
        repositories: repositories.map(({ path }) => path),
        stored: { blobs: list.length, bytes: 2_500_000_000 },
        shared: none,
      },
    ],
    assumed: [],
    lacking: [{ path: "packages/package-00", digest: digestOf(new Uint8Array()), size: 10, role: "layer" }],
    unreadable: [],
    missing: [{ reference: hostileName, why: "release", component: "packages" }],
    failed: [{ component: "packages", item: "x", archive: hostileName, code: "TRANSFER_FAILED", message: hostileName }],
  };
}
