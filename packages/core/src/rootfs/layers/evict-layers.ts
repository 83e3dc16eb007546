import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { BundleLock } from "../../bundle/bundle-lock.ts";
import { isMirrorError } from "../../errors.ts";
import { metaSuffix, readMeta, removeLayer, temporaryPrefix } from "./kept-layer.ts";

/** What is still being written after a day is nobody's any more, in milliseconds. */
const abandonedMs = 24 * 3600 * 1000;

/**
 * Removes the kept layers that were not used for longest until the others are no more than `quotaBytes`, and what runs
 * that were killed left. Does nothing while another process does it.
 */
export async function evictLayers(directory: string, quotaBytes: number, nowMs: number): Promise<void> {
  try {
    using _lock = await BundleLock.acquire(directory);
    const layers = await keptLayers(directory, nowMs);
    let bytes = layers.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of layers.sort((a, b) => a.lastAccessMs - b.lastAccessMs)) {
      if (bytes <= quotaBytes) break;
      await removeLayer(path);
      bytes -= size;
    }
  } catch (error) {
    if (!isMirrorError(error, "BUNDLE_LOCKED")) throw error;
  }
}

interface KeptLayer {
  readonly path: string;
  readonly size: number;
  readonly lastAccessMs: number;
}

async function keptLayers(directory: string, nowMs: number): Promise<KeptLayer[]> {
  const layers: KeptLayer[] = [];
  for (const algorithm of ["sha256", "sha512"]) {
    const folder = join(directory, "blobs", algorithm);
    const names = await readdir(folder).catch(() => []);
    const present = new Set(names);
    for (const name of names) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined); // others take layers away, too
      if (!found?.isFile()) continue;
      const isAbandoned = nowMs - found.mtimeMs > abandonedMs;
      if (name.startsWith(temporaryPrefix)) {
        if (isAbandoned) await rm(path, { force: true });
      } else if (name.endsWith(metaSuffix)) {
        if (!present.has(name.slice(0, -metaSuffix.length)) && isAbandoned) await rm(path, { force: true });
      } else {
        const meta = await readMeta(path);
        layers.push({ path, size: found.size, lastAccessMs: meta ? Date.parse(meta.lastAccess) : found.mtimeMs });
      }
    }
  }
  return layers;
}
