import {
  type Blob,
  type Descriptor,
  type Digest,
  type ImageIndex,
  type ImageManifest,
  isRegistryError,
  parseManifest,
} from "@tranship/registry";
import { isMirrorError } from "../../errors.ts";
import type { LayoutRepository } from "../../layout/layout-repository.ts";

/** The largest manifest read, in bytes. */
const maxManifestBytes = 100 * 1024 * 1024;

/** What belongs to manifests of a layout. */
export interface LayoutClosure {
  /** The manifests that are there. */
  readonly manifests: ReadonlyMap<Digest, Descriptor>;
  /** All blobs, there or not, those of the manifests too. */
  readonly blobs: ReadonlyMap<Digest, Blob>;
  /** Manifests that are not there, such as those of an index for other platforms. */
  readonly missing: ReadonlySet<Digest>;
}

/** A manifest of a layout with its content; `undefined` where it is not there. Whoever cannot read it throws. */
export async function readLayoutManifest(
  repository: LayoutRepository,
  digest: Digest,
  signal: AbortSignal,
): Promise<{ readonly descriptor: Descriptor; readonly content: ImageManifest | ImageIndex } | undefined> {
  if ((await repository.statBlob(digest, { signal })) === undefined) return undefined;
  const manifest = await repository.manifest(digest, { signal, maxBytes: maxManifestBytes });
  return { descriptor: manifest.descriptor, content: parseManifest(manifest) };
}

/**
 * All that belongs to these manifests: their children, configs and layers, through indexes in indexes.
 * @throws RegistryError, MirrorError for a manifest that is there and cannot be read
 */
export async function layoutClosure(
  repository: LayoutRepository,
  roots: Iterable<Digest>,
  signal: AbortSignal,
): Promise<LayoutClosure> {
  const manifests = new Map<Digest, Descriptor>();
  const blobs = new Map<Digest, Blob>();
  const missing = new Set<Digest>();
  const waiting = [...roots];
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    signal.throwIfAborted();
    if (manifests.has(digest) || missing.has(digest)) continue;
    const found = await readLayoutManifest(repository, digest, signal);
    if (found === undefined) {
      missing.add(digest);
      continue;
    }
    const { descriptor, content } = found;
    manifests.set(digest, descriptor);
    blobs.set(digest, descriptor);
    if ("manifests" in content) waiting.push(...content.manifests.map((child) => child.digest));
    else for (const blob of [content.config, ...content.layers]) blobs.set(blob.digest, blob);
  }
  return { manifests, blobs, missing };
}

/** Whether an error says that a layout holds what cannot be read, rather than that the disk or the caller gave up. */
export function isUnreadable(error: unknown): boolean {
  return isRegistryError(error) || isMirrorError(error, "LAYOUT_INVALID");
}
