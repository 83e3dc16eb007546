import { classifyFailure, formatName, isRegistryError, openBytes } from "@tranship/registry";
import { DepsError } from "../errors.ts";
import type { BringContext } from "../jobs/item-job.ts";
import type { DepsItem, PushSink } from "../manifest.ts";
import type { PackedChart } from "./pack-chart.ts";

/**
 * Pushes a packed chart to a registry. Nothing is sent when all its tags name it.
 * @throws DepsError `HOST_FORBIDDEN`, `NOT_FOUND`, `TRANSFER_FAILED`
 */
export async function pushChart(
  { config, archive, manifest }: PackedChart,
  { id }: DepsItem,
  { registry: host, repository: path, tags }: PushSink,
  { access, slots, signal, progress }: BringContext,
): Promise<void> {
  access.hosts?.require(host, id);
  const { descriptor } = manifest;
  try {
    using _slot = await slots.take(host, signal);
    progress.started();
    const repository = (await access.registry(host)).repository(path);
    const wanted = tags.length > 0 ? tags : [descriptor.digest];
    const named = await Promise.all(wanted.map((tag) => repository.resolve(tag, { signal })));
    if (!named.every((found) => found?.digest === descriptor.digest)) {
      for (const blob of [config, archive]) await repository.pushBlob(blob, openBytes(blob.bytes), { signal });
      await repository.pushManifest(manifest, { tags, signal });
    }
    progress.add(config.size + archive.size + descriptor.size);
  } catch (cause) {
    signal.throwIfAborted();
    const url = formatName(`${host}/${path}`, tags[0] ?? descriptor.digest);
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `cannot push ${id} to ${url}: ${reason}`;
    const failure = classifyFailure(cause);
    if (failure === "missing") throw new DepsError("NOT_FOUND", message, { url }, { cause });
    const code = isRegistryError(cause) ? cause.code : "UNKNOWN";
    throw new DepsError("TRANSFER_FAILED", message, { item: id, url, failure, code }, { cause });
  }
}
