import type { Descriptor, Platform } from "@tranship/registry";
import type { Reason } from "../plan/section.ts";
import { type BlobTable, bytesOf } from "./blob-table.ts";
import { artifactTypeOf, contentKind } from "./content-kind.ts";
import type { InspectedImage, InspectedManifest, InspectedRepository } from "./inspection.ts";
import type { PartialGraph } from "./repository-walk.ts";

/** An image on the way: with its graph, before it is known what others need. */
export interface ImageDraft {
  readonly descriptor: Descriptor;
  readonly tags: readonly string[];
  readonly graph: PartialGraph;
}

/** A repository on the way. */
export interface RepositoryDraft {
  readonly path: string;
  readonly source: string | undefined;
  readonly drafts: readonly ImageDraft[];
}

/** A repository as it is told: `reasons` by `path@digest`, `table` knowing the images of all repositories. */
export function finishRepository(
  { path, source, drafts }: RepositoryDraft,
  table: BlobTable,
  reasons: ReadonlyMap<string, ReadonlySet<Reason>>,
): InspectedRepository {
  const parts = [...new Map(drafts.flatMap(({ graph }) => graph.parts.map((part) => [part.digest, part]))).values()];
  return {
    path,
    ...(source === undefined ? {} : { source }),
    bytes: bytesOf(parts),
    uniqueBytes: bytesOf(parts.filter(({ digest }) => table.repositories(digest) === 1)),
    images: drafts.map((draft) =>
      finishImage(draft, table, [...(reasons.get(`${path}@${draft.descriptor.digest}`) ?? [])]),
    ),
  };
}

function finishImage(
  { descriptor, tags, graph }: ImageDraft,
  table: BlobTable,
  why: readonly Reason[],
): InspectedImage {
  const { digest, mediaType, size, annotations } = descriptor;
  const { root, parts } = graph;
  const manifests = graph.manifests.map((listed) => finishManifest(listed, graph));
  const artifactType = root && artifactTypeOf(root.content);
  const said = manifests.length > 0 ? manifests.map(({ platform }) => platform) : [sayable(root?.platform)];
  return {
    digest,
    mediaType,
    kind: root ? contentKind(root.content, { tags, annotations }) : "artifact",
    ...(artifactType === undefined ? {} : { artifactType }),
    tags,
    why,
    ...(root?.content.subject ? { subject: root.content.subject.digest } : {}),
    platforms: [...new Set(said.filter((platform) => platform !== undefined))],
    size,
    bytes: bytesOf(parts),
    uniqueBytes: bytesOf(parts.filter((part) => table.images(part.digest) === 1)),
    blobs: parts.filter(({ role }) => role !== "manifest").map((part) => part.digest),
    manifests,
  };
}

function finishManifest(
  { descriptor, read }: PartialGraph["manifests"][number],
  { parts }: PartialGraph,
): InspectedManifest {
  const { digest, size, annotations } = descriptor;
  const content = read?.content;
  const own = new Set(content?.kind === "image" ? [content.config, ...content.layers].map((blob) => blob.digest) : []);
  const blobs = parts.filter((part) => own.has(part.digest)); // without those that live elsewhere
  const platform = platformText(descriptor.platform) ?? sayable(read?.platform);
  return {
    digest,
    kind: content ? contentKind(content, { annotations }) : "artifact",
    ...(platform === undefined ? {} : { platform }),
    size,
    bytes: size + bytesOf(blobs),
    blobs: blobs.map((blob) => blob.digest),
  };
}

/** A platform as an index says it, such as `linux/arm64`; indexes say `unknown/unknown` of what is no image. */
export function platformText(platform: Platform | undefined): string | undefined {
  if (!platform?.os || !platform.architecture || platform.os === "unknown") return undefined;
  return sayable([platform.os, platform.architecture, platform.variant].filter(Boolean).join("/"));
}

/** Configs may say anything: what is no plain short name is as good as none. */
function sayable(platform: string | undefined): string | undefined {
  return platform !== undefined && /^[\x20-\x7e]{1,128}$/.test(platform) ? platform : undefined;
}
