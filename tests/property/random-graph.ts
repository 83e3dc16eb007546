import {
  aBlob,
  aLayer,
  anArtifact,
  anImage,
  anIndex,
  type BuiltImage,
  type BuiltIndex,
} from "@tranship/registry/testing";
import fc from "fast-check";

/** A repository's content as plain data: small numbers that stand for layers, images and what refers to them. */
export interface GraphPlan {
  /** Sizes of the layers there are, in bytes; images share them by number. */
  readonly layerSizes: readonly number[];
  readonly images: readonly ImagePlan[];
  /** What each index lists: images and earlier indexes, by number. */
  readonly indexes: readonly { readonly children: readonly number[]; readonly docker: boolean }[];
  /** What each artifact is about: an image, an index or an earlier artifact, by number. */
  readonly artifacts: readonly { readonly subject: number; readonly kind: number; readonly size: number }[];
}

interface ImagePlan {
  readonly layers: readonly number[];
  readonly docker: boolean;
  readonly sha512: boolean;
  readonly annotated: boolean;
}

/** Manifests that were built from a {@link GraphPlan}. */
export interface BuiltGraph {
  /** Images and indexes under tags, all of them. */
  readonly tagged: readonly (BuiltImage | BuiltIndex)[];
  /** In an order in which each comes after its subject; none has a tag. */
  readonly artifacts: readonly BuiltImage[];
}

const number = fc.nat({ max: 1000 });

/** Any content of one repository: shared and empty layers, indexes in indexes, artifacts about artifacts. */
export const graphPlan: fc.Arbitrary<GraphPlan> = fc.record({
  layerSizes: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3000 }), fc.constant(400_000)), {
    minLength: 1,
    maxLength: 6,
  }),
  images: fc.array(
    fc.record({
      layers: fc.array(number, { maxLength: 4 }),
      docker: fc.boolean(),
      sha512: fc.boolean(),
      annotated: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  indexes: fc.array(fc.record({ children: fc.array(number, { maxLength: 4 }), docker: fc.boolean() }), {
    maxLength: 4,
  }),
  artifacts: fc.array(fc.record({ subject: number, kind: fc.nat({ max: 2 }), size: fc.nat({ max: 2000 }) }), {
    maxLength: 4,
  }),
});

/** How {@link buildGraph} builds. */
export interface BuildGraphOptions {
  /** Whether every layer can be read as one; else some are any bytes. @defaultValue false */
  readonly areArchives?: boolean;
}

/** The content a plan stands for; the same plan gives the same bytes. */
export function buildGraph(
  { layerSizes, images, indexes, artifacts }: GraphPlan,
  { areArchives = false }: BuildGraphOptions = {},
): BuiltGraph {
  const layers = layerSizes.map((size, at) => {
    if (size === 0) return aBlob({ size: 0 });
    return at % 2 === 0 || areArchives ? aLayer({ size, seed: at }) : aBlob({ size, seed: at });
  });
  const tagged: (BuiltImage | BuiltIndex)[] = images.map((image, at) =>
    anImage({
      tag: `image-${at}`,
      layers: [...new Set(image.layers.map((layer) => pick(layers, layer)))],
      docker: image.docker,
      algorithm: image.sha512 ? "sha512" : "sha256",
      ...(image.annotated ? { annotations: { "org.example.number": `${at}` } } : {}),
    }),
  );
  for (const [at, { children, docker }] of indexes.entries()) {
    const listed = [...new Set(children.map((child) => pick(tagged, child)))];
    // a manifest that is listed by another is known by its digest there; some of them have tags all the same
    tagged.push(anIndex({ tag: `index-${at}`, images: listed, docker }));
  }
  const about: BuiltImage[] = [];
  for (const [at, { subject, kind, size }] of artifacts.entries()) {
    const content = aBlob({ size, seed: `artifact-${at}` }).bytes;
    const artifactType = `application/vnd.example.kind-${kind}`;
    about.push(anArtifact({ subject: pick([...tagged, ...about], subject), artifactType, content }));
  }
  return { tagged, artifacts: about };
}

function pick<Item>(items: readonly Item[], at: number): Item {
  const item = items[at % items.length];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}
