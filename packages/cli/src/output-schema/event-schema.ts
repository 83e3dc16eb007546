import * as z from "zod";
import type { CliEvent } from "../print/cli-event.ts";
import { schemaOf } from "./schema-of.ts";
import { amount, blobCount, bytes, digest, milliseconds, side } from "./values.ts";
import { type WarningCode, warningCodes } from "./warning-codes.ts";

const text = z.string();
const aboutBlob = { side, repository: text, digest };
const archive = text.describe("The archive's file name.");
const stage = z.enum(["resolve", "download", "merge", "write", "format", "check"]);
const codes = Object.keys(warningCodes) as [WarningCode, ...WarningCode[]];

function event<const Type extends string, Shape extends z.core.$ZodLooseShape>(
  type: Type,
  description: string,
  shape: Shape,
) {
  return z.object({ type: z.literal(type), ...shape }).describe(description);
}

const ofItem = {
  item: text.describe("The item's id."),
  name: text.describe("What people call it."),
  path: text.describe("Where it is, or will be, if it is a file or a folder.").optional(),
};

const pushed = {
  reason: z.enum(["cancelled", "failed"]),
  tags: z.object({ written: amount, present: amount }),
  blobs: z.object({ written: amount, mounted: amount, present: amount }),
  bytes: z.object({ uploaded: bytes, mounted: bytes, present: bytes }),
  elapsedMs: milliseconds,
};

const anyEvent = z.discriminatedUnion("type", [
  event("config.used", "What flags do not say is taken from this file.", { file: text }),
  event("items.listed", "So many items there are to plan.", { items: amount }),
  event("item.started", "An item is planned from now on.", { component: text, item: text, archive }),
  event("item.failed", "The run goes on without an item.", {
    component: text,
    item: text,
    archive,
    code: text,
    message: text,
  }),
  event("section.planned", "More of an archive is planned.", { archive, images: amount, bytes }),
  event("work.planned", "So much a push, a sync or a verification has to do; of a sync, what is left.", {
    job: z.enum(["push", "verify", "sync"]),
    blobs: amount,
    bytes,
  }),
  event("blob.started", "A blob is transferred or read, from `offset` on.", {
    ...aboutBlob,
    size: bytes,
    offset: bytes,
  }),
  event("blob.progress", "So many more bytes are in place; fewer than none when some proved wrong.", {
    ...aboutBlob,
    bytes: z.number().int(),
  }),
  event("blob.finished", "All of a blob is in place, with the right digest.", {
    ...aboutBlob,
    size: bytes,
    fetchedBytes: bytes,
    elapsedMs: milliseconds,
  }),
  event("blob.failed", "A blob is given up; an error or a finding says why.", { ...aboutBlob, size: bytes }),
  event("blob.skipped", "A blob was at hand already.", {
    ...aboutBlob,
    size: bytes,
    reason: z.enum(["kept", "copied", "present", "mounted", "written"]),
  }),
  event("transfer.retried", "A blob is asked for again.", {
    side,
    reference: text,
    code: text,
    attempt: amount,
    delayMs: milliseconds,
  }),
  event("image.finished", "An image is whole where it goes.", {
    side,
    reference: text,
    digest,
    outcome: z.enum(["written", "present"]),
  }),
  event("archive.finished", "An archive has its name.", { archive, bytes, outcome: z.enum(["written", "unchanged"]) }),
  event("archive.removed", "An archive is no longer part of the bundle.", { archive }),
  event("checksum.started", "A file is read and hashed.", { file: text, size: bytes }),
  event("checksum.progress", "So many more bytes of it are hashed.", { file: text, bytes }),
  event("checksum.finished", "A file is hashed.", {
    file: text,
    size: bytes,
    kinds: z.array(z.enum(["sha256", "gost"])),
    elapsedMs: milliseconds,
  }),
  event("warning.raised", `Something to know. ${codes.map((code) => `${code}: ${warningCodes[code]}.`).join(" ")}`, {
    code: z.enum(codes),
    message: text,
    reference: text.optional(),
    component: text.optional(),
  }),
  event("request.retried", "A request is sent again after a pause.", {
    registry: text,
    reference: text,
    code: text,
    attempt: amount,
    delayMs: milliseconds,
  }),
  event("registry.slowed", "A registry asked for rest.", {
    registry: text,
    delayMs: milliseconds,
    untilMs: z.number(),
  }),
  event("registry.warned", "A registry has something to say to its users.", { registry: text, message: text }),
  event("mirror.failed", "A mirror did not give what was asked of it; the next source is asked.", {
    registry: text,
    mirror: text,
    reference: text,
    code: text,
  }),
  event("server.listening", "Requests are answered from now on.", { url: text, place: text, writable: z.boolean() }),
  event("request.answered", "The head of an answer goes out.", { method: text, path: text, status: amount }),
  event("request.failed", "A request could not be served.", { method: text, path: text, reason: text }),
  event("pull.stopped", "What a pull had done when it ended early.", {
    reason: z.enum(["cancelled", "failed"]),
    finished: z.array(archive),
    unfinished: z.array(archive),
    planned: z.object({ images: amount, bytes }),
    fetched: blobCount,
    copied: blobCount,
    kept: blobCount,
    elapsedMs: milliseconds,
  }),
  event("push.stopped", "What a push had done when it ended early.", pushed),
  event("sync.stopped", "What a sync had done when it ended early.", pushed),
  event("deps.status", "What is done with a cache of dependencies.", { message: text }),
  event("deps.checking", "It is looked whether an item is there.", { ...ofItem, total: bytes.optional() }),
  event("deps.cached", "An item is there; nothing more happens to it.", {
    ...ofItem,
    current: bytes.optional(),
    total: bytes.optional(),
  }),
  event("deps.queued", "An item is not there, and will be brought.", { ...ofItem, total: bytes.optional() }),
  event("deps.started", "The first bytes of an item are asked for.", { ...ofItem, total: bytes.optional() }),
  event("deps.progress", "So many bytes of an item are here.", { ...ofItem, current: bytes, total: bytes.optional() }),
  event("deps.done", "An item is there now, checked.", { ...ofItem, current: bytes, total: bytes }),
  event("deps.failed", "An item is not there, and nothing more happens to it.", {
    ...ofItem,
    error: z.object({ code: text.describe("ABORTED for what was cut short."), message: text }),
  }),
  event("stage.started", "A stage of making a root file system begins; some run side by side.", { stage }),
  event("stage.progress", "So much of a stage is done, of so much where that is known.", {
    stage,
    done: amount,
    total: amount.optional(),
    unit: z.enum(["bytes", "files"]),
  }),
  event("stage.finished", "A stage is done.", { stage, elapsedMs: milliseconds }),
  event("layer.finished", "A layer of an image is here; layers count from 0, the base.", {
    layer: amount,
    layers: amount,
    digest: text,
    bytes,
  }),
]);

/** Schema of every event. */
export const eventSchema: z.ZodType<CliEvent> = schemaOf<CliEvent>()(anyEvent);
