import { type Digest, formatName } from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import type { BlobProver } from "./push-bundle.ts";
import type { PushWork } from "./push-work.ts";

/** What {@link proveWork} works with. */
export interface ProveWorkOptions {
  readonly signal?: AbortSignal | undefined;
  readonly emit: OnEvent;
}

/**
 * Has the source prove every config and layer a push may send, each once; what the target has in that very repository,
 * with an image that is there, is left out. Manifests have been proven by reading them.
 * @throws MirrorError `ARCHIVE_INVALID`
 */
export async function proveWork(
  source: Partial<BlobProver> & { readonly name: string },
  { written, present, same, referrers }: PushWork,
  { signal, emit }: ProveWorkOptions,
): Promise<void> {
  if (!source.proveBlobs) return;
  const there = new Set<string>();
  for (const { path, graph } of [...present.filter((image) => same.has(image)), ...referrers.present]) {
    for (const { digest } of graph.blobs) there.add(formatName(path, digest));
  }
  const wanted = new Map<Digest, { readonly path: string; readonly size: number }>();
  for (const { path, graph } of [...written.filter(({ isDiscovery }) => !isDiscovery), ...referrers.written]) {
    for (const { digest, size } of graph.blobs)
      if (!there.has(formatName(path, digest))) wanted.set(digest, { path, size });
  }
  if (wanted.size === 0) return;
  const size = [...wanted.values()].reduce((sum, blob) => sum + blob.size, 0);
  const startedMs = performance.now();
  const file = source.name;
  emit({ type: "checksum.started", file, size });
  const blobs = [...wanted].map(([digest, { path }]) => ({ path, digest }));
  const onBytes = (bytes: number) => emit({ type: "checksum.progress", file, bytes });
  await source.proveBlobs(blobs, { signal, onBytes });
  emit({ type: "checksum.finished", file, size, kinds: [], elapsedMs: Math.round(performance.now() - startedMs) });
}
