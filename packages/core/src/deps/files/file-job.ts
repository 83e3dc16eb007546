import { lstat, stat } from "node:fs/promises";
import { type Digest, digestOf } from "@tranship/registry";
import { DepsError } from "../errors.ts";
import { onDisk, onDiskIfAny } from "../file-error.ts";
import type { ContentCheck, ItemContent, ItemJob, ProbeContext } from "../jobs/item-job.ts";
import type { DepsItem, FileTreeSink } from "../manifest.ts";
import type { Presence } from "../plan.ts";
import type { GatheredFile } from "./collect.ts";
import { gatherFile, gatherLocal, type LocalContext } from "./gather-file.ts";
import type { FileRetryOptions } from "./http-content.ts";
import { digestOfFile } from "./local-content.ts";
import { adoptFile, howItLeads, type LinkMaker, placeLink } from "./place-link.ts";

/** Options of {@link createFileJob}. */
export interface FileJobOptions extends FileRetryOptions {
  /** How links are made, the best first. @defaultValue symbolic links, second names, copies */
  readonly linkMakers?: readonly LinkMaker[] | undefined;
}

/**
 * Brings files of web servers, local files and bytes of a manifest to one path each, and makes other paths lead there.
 *
 * A file an older tool left at one of the other paths becomes the content if its bytes are the right ones: nothing is
 * fetched, and a link takes its place. Any other file there is replaced. Files get the permissions 0644, as far as the
 * process's mask lets them have them: none of them can be run where it lies. One that was there already keeps its own.
 */
export const fileJob: ItemJob = createFileJob();

/** The same as {@link fileJob}, more or less patient. */
export function createFileJob(options: FileJobOptions = {}): ItemJob {
  return {
    probe: (item, context) => probe(item, context),
    async bring(item, context) {
      const brought =
        (await atHand(item, context)) ?? (await taken(item, context, () => gatherFile(item, context, options)));
      await placeLinks(item, context, options);
      return brought;
    },
    async bringOffline(item, context) {
      const brought = (await atHand(item, context)) ?? (await fromHere(item, context));
      if (brought !== undefined) await placeLinks(item, context, options);
      return brought;
    },
    content: (item, context) => content(item, context),
  };
}

async function probe(item: DepsItem, context: ProbeContext): Promise<Presence> {
  const { contents, isDeep, signal } = context;
  const { path, links } = sinkOf(item);
  const { size } = item;
  const digest = await digestOfItem(item, signal);
  const found =
    digest === undefined
      ? await isFileOf(path, size)
      : await contents.check(path, { digest, size }, { isDeep, signal });
  if (found === "absent" || found === "differs") return found;
  for (const link of links) {
    const lead = await howItLeads(link, path);
    if (lead === "link" || lead === "name") continue;
    const same = digest ?? (await contents.known(path));
    const isCopy =
      lead === "file" && same !== undefined && (await holds(contents, link, { digest: same, size }, context));
    if (!isCopy) return "differs";
  }
  return found;
}

async function placeLinks(item: DepsItem, context: LocalContext, options: FileJobOptions): Promise<void> {
  const { path, links } = sinkOf(item);
  for (const link of links) {
    context.signal.throwIfAborted();
    if ((await howItLeads(link, path)) === "link") continue;
    await context.staging.prepare(link);
    await placeLink(path, link, options.linkMakers);
  }
}

/** The content, where it is there already, or at a path that is to lead to it. */
async function atHand(item: DepsItem, context: LocalContext): Promise<ItemContent | undefined> {
  const digest = await digestOfItem(item, context.signal);
  if (digest === undefined) return undefined;
  const { contents, staging, progress } = context;
  const { path, links } = sinkOf(item);
  const expected = { digest, size: item.size };
  let isHere = await holds(contents, path, expected, context);
  for (const link of links) {
    if (isHere) break;
    if ((await howItLeads(link, path)) !== "file" || !(await holds(contents, link, expected, context))) continue;
    await staging.prepare(link); // what is elsewhere stays there
    await staging.prepare(path);
    isHere = await onDisk(path, () => adoptFile(link, path));
    if (isHere) await contents.note(path, digest);
  }
  if (!isHere) return undefined;
  const { size } = await onDisk(path, () => lstat(path));
  progress.add(size);
  return { digest, sizeBytes: size, path };
}

async function fromHere(item: DepsItem, context: LocalContext): Promise<ItemContent | undefined> {
  if (item.source.type === "http") return undefined;
  return await taken(item, context, () => gatherLocal(item, context));
}

async function taken(item: DepsItem, context: LocalContext, gather: () => Promise<GatheredFile>): Promise<ItemContent> {
  const { path } = sinkOf(item);
  const { file, digest, sizeBytes } = await gather();
  try {
    await file.moveTo(path);
  } finally {
    await file[Symbol.asyncDispose]();
  }
  await context.contents.note(path, digest);
  return { digest, sizeBytes, path };
}

async function content(item: DepsItem, { contents, signal }: ProbeContext): Promise<ItemContent> {
  const { path } = sinkOf(item);
  const found = await onDisk(path, () => lstat(path));
  const digest = item.digest ?? (await contents.known(path)) ?? (await digestOfFile(path, undefined, signal));
  return { digest, sizeBytes: found.size, path };
}

/** What an item must be: what it says, what its bytes in the manifest are, or what a local file is now. */
async function digestOfItem({ source, digest }: DepsItem, signal: AbortSignal): Promise<Digest | undefined> {
  if (digest !== undefined) return digest;
  if (source.type === "inline") return digestOf(source.bytes);
  if (source.type !== "file" || !(await onDiskIfAny(source.path, () => stat(source.path)))) return undefined;
  return await digestOfFile(source.path, undefined, signal);
}

async function isFileOf(path: string, size: number | undefined): Promise<Presence> {
  const found = await onDiskIfAny(path, () => lstat(path));
  if (!found) return "absent";
  return found.isFile() && (size === undefined || found.size === size) ? "unpinned" : "differs";
}

async function holds(
  contents: ContentCheck,
  path: string,
  expected: { readonly digest: Digest; readonly size?: number | undefined },
  { isDeep, signal }: ProbeContext,
): Promise<boolean> {
  return (await contents.check(path, expected, { isDeep, signal })) === "present";
}

function sinkOf({ id, source, sink }: DepsItem): FileTreeSink {
  if (sink.type === "file") return sink;
  const message = `cannot keep ${id}: what comes from a source of type ${source.type} is no ${sink.type}`;
  throw new DepsError("SINK_UNSUITABLE", message, { item: id, source: source.type, sink: sink.type });
}
