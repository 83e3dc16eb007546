import { formatName } from "@tranship/registry";
import type { OnEvent } from "../../events.ts";
import { Copier } from "../../transfer/copier.ts";
import type { BringContext, ItemContent } from "../jobs/item-job.ts";
import type { PushSink } from "../manifest.ts";
import { copyImage, openSource, readImage, resolveTag } from "./bring-image.ts";
import { type ImageItem, tagsAt } from "./image-place.ts";

/**
 * Brings an image to a registry. Nothing is sent when that has it under its tags. Where the index it is published in is
 * to be kept, the tags name that; a registry that takes no index without all it lists refuses it.
 */
export async function bringToRegistry(item: ImageItem, sink: PushSink, context: BringContext): Promise<ItemContent> {
  const { access, progress, signal } = context;
  const tags = tagsAt(sink);
  access.hosts?.require(sink.registry, item.id);
  const source = await openSource(item, context);
  const to = (await access.registry(sink.registry)).repository(sink.repository);
  const digest = item.digest ?? (await resolveTag(item, source));
  const published = item.source.type === "image" ? item.source.index : undefined;
  const wanted = published ?? digest;
  const names = tags.length > 0 ? tags : [wanted];
  const there = await Promise.all(names.map((name) => to.resolve(name, { signal })));
  if (there.every((found) => found?.digest === wanted)) {
    const sizeBytes = item.size ?? 0;
    progress.add(sizeBytes);
    return { digest, sizeBytes };
  }
  const image = await readImage(item, digest, source, signal);
  progress.total(image.sizeBytes);
  const onEvent: OnEvent = (event) => {
    if (event.type === "blob.progress") progress.add(event.bytes);
    if (event.type === "blob.skipped") progress.add(event.size);
  };
  const route = { from: source, to, path: sink.repository, label: source.name };
  await copyImage(image, route, onEvent, signal);
  const root = image.graphs[0]?.manifests.at(-1);
  const named = image.index ?? root;
  if (named !== undefined && (tags.length > 0 || image.index !== undefined)) {
    const others = image.index === undefined ? 0 : leftOutCount(image.index.descriptor.annotations);
    await new Copier(route, onEvent).manifest(named, tags, formatName("", wanted), signal, others);
  }
  const manifests = image.graphs.flatMap((graph) => graph.manifests);
  progress.add(manifests.reduce((sum, { bytes }) => sum + bytes.byteLength, image.index?.bytes.byteLength ?? 0));
  return { digest, sizeBytes: image.sizeBytes };
}

function leftOutCount(annotations: Readonly<Record<string, string>> | undefined): number {
  return Object.values(annotations ?? {}).reduce((sum, text) => sum + text.split(" ").length, 0);
}
