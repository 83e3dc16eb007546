import type { MemoryRegistry } from "../memory/memory-registry.ts";
import type { BuiltBlob } from "./blob-builders.ts";
import type { BuiltImage, BuiltIndex } from "./builders.ts";

/** What a registry can be filled with. */
export type Seedable = BuiltBlob | BuiltImage | BuiltIndex;

/** Puts things with all they need into a repository, at once. */
export function seedMemory(registry: MemoryRegistry, path: string, things: readonly Seedable[]): void {
  const repository = registry.repository(path);
  for (const { blobs, manifests } of things.map(partsOf)) {
    for (const blob of blobs) repository.putBlob(blob, blob.bytes);
    for (const { manifest, tags } of manifests) repository.putManifest(manifest, tags);
  }
}

/** What has to be pushed so that something is whole, leaves first. */
export interface SeedParts {
  readonly blobs: readonly BuiltBlob[];
  readonly manifests: readonly Pick<BuiltImage, "manifest" | "tags">[];
}

/** Takes something apart into what has to be pushed. */
export function partsOf(thing: Seedable): SeedParts {
  if ("bytes" in thing) return { blobs: [thing], manifests: [] };
  if ("blobs" in thing) return { blobs: thing.blobs, manifests: [thing] };
  const parts = thing.images.map(partsOf);
  return {
    blobs: parts.flatMap(({ blobs }) => blobs),
    manifests: [...parts.flatMap(({ manifests }) => manifests), thing],
  };
}
