import { type Descriptor, type Digest, formatName, parseManifest, referrersTag } from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import { nameSome } from "../name-some.ts";
import type { Copier } from "../transfer/copier.ts";
import type { Graph, GraphManifest } from "../transfer/graph.ts";
import type { PushedImage } from "./push-list.ts";

/** A manifest that refers to another, such as a signature: pushed by its digest, the target lists it itself. */
export interface PushedReferrer {
  readonly copier: Copier;
  /** Its repository below the root of the source. */
  readonly path: string;
  readonly descriptor: Descriptor;
  readonly graph: Graph;
  /** What it refers to; absent where it was listed and does not say so. */
  readonly subject?: Digest | undefined;
}

/** What a push names, with lists of referrers taken apart. */
export interface TakenApart {
  readonly images: readonly PushedImage[];
  /** Each manifest of a repository once. */
  readonly referrers: readonly PushedReferrer[];
}

const listTag = /^sha(?:256|512)-[0-9a-f]{64}$/;

/**
 * Takes lists of referrers apart. Under its tag, such a list would replace the one the target has; what it lists is pushed
 * by digest instead, and is added to the target's. A list of manifests that refer to nothing stays an image as any other.
 * @see distribution-spec v1.1.1, "Referrers Tag Schema"
 */
export function takeReferrersApart(all: readonly PushedImage[], emit: OnEvent): TakenApart {
  const images: PushedImage[] = [];
  const referrers = new Map<string, PushedReferrer>();
  for (const image of all) {
    const listed = listTag.test(image.tag) ? listedBy(image) : undefined;
    const isBound = listed?.some(({ subject }) => subject !== undefined) ?? false;
    if (listed) warnOfUnbound(image, listed, isBound, emit);
    if (!listed || (listed.length > 0 && !isBound)) {
      images.push(image);
      continue;
    }
    for (const referrer of listed) {
      const key = `${image.copier.path}@${referrer.descriptor.digest}`;
      if (referrers.get(key)?.subject === undefined) referrers.set(key, referrer);
    }
  }
  return { images, referrers: [...referrers.values()] };
}

/** What an index lists; `undefined` for an image. */
function listedBy({ copier, path, tag, graph }: PushedImage): readonly PushedReferrer[] | undefined {
  const root = graph.manifests.at(-1);
  if (!root || parseManifest(root).kind !== "index") return undefined;
  const byDigest = new Map(graph.manifests.map((manifest) => [manifest.descriptor.digest, manifest]));
  return root.children.flatMap((digest) => {
    const manifest = byDigest.get(digest);
    if (!manifest) return [];
    const subject = parseManifest(manifest).subject?.digest;
    const isBound = subject !== undefined && referrersTag(subject) === tag;
    const { descriptor } = manifest;
    return [
      { copier, path, descriptor, graph: partOf(graph, byDigest, digest), subject: isBound ? subject : undefined },
    ];
  });
}

/** The part of a graph that one of its manifests leads to. */
function partOf(whole: Graph, byDigest: ReadonlyMap<Digest, GraphManifest>, root: Digest): Graph {
  const manifests = new Map<Digest, GraphManifest>();
  const blobs = new Map<Digest, Descriptor>();
  const visit = (digest: Digest) => {
    const manifest = byDigest.get(digest);
    if (!manifest || manifests.has(digest)) return;
    for (const child of manifest.children) visit(child); // no way round: a graph was read within bounds
    for (const blob of manifest.blobs) blobs.set(blob.digest, blob);
    manifests.set(digest, manifest);
  };
  visit(root);
  const leftOut = whole.leftOut.filter(({ index }) => manifests.has(index));
  return { manifests: [...manifests.values()], blobs: [...blobs.values()], leftOut };
}

function warnOfUnbound(
  { copier, tag }: PushedImage,
  listed: readonly PushedReferrer[],
  isBound: boolean,
  emit: OnEvent,
): void {
  const unbound = listed.filter(({ subject }) => subject === undefined);
  if (unbound.length === 0) return;
  const reference = formatName(copier.path, tag);
  const what = `${reference} lists manifests that do not refer to what it is about`;
  const names = nameSome(unbound.map(({ descriptor }) => descriptor.digest));
  const message = isBound
    ? `${what}; they are pushed, and the target will not list them: ${names}`
    : `${what}; it is pushed as it is, in place of any list the target has there: ${names}`;
  emit({ type: "warning.raised", code: "SUBJECT_ABSENT", message, reference });
}
