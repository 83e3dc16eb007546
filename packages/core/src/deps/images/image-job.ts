import type { BringContext, ItemJob } from "../jobs/item-job.ts";
import type { DepsItem } from "../manifest.ts";
import { bringToLayout } from "./bring-image.ts";
import { imageError } from "./image-error.ts";
import { type ImageItem, placeOf, referenceOf, requireImageItem } from "./image-place.ts";
import { keptContent, probeImage } from "./probe-image.ts";
import { bringToRegistry } from "./push-image.ts";

/**
 * Images and artifacts of registries, kept in image layouts or brought to other registries.
 *
 * In the layout of a repository, as zot and olareg serve it, every manifest is listed by itself, and a name leads
 * - to the index the image is published in, if the item says which: byte for byte, with what else it lists left out;
 * - else to an index of ours over all images that were brought under the name, one for each platform;
 * - to an index, an artifact, or an image of no platform: to just that.
 *
 * What no name leads to has the tag `keep-<algorithm>-<hex>`: such registries clear away what is nowhere named. What older
 * tools listed without a name counts as present; it is named when it is brought again. A blob that several
 * repositories need is fetched once and has several names on disk. A list that cannot be read, as after a crash of a tool
 * that writes it in place, is made anew of what is there. A repository whose name has a port in it, such as
 * `localhost:5000/app`, is kept under that name; zot serves none that is called so.
 *
 * Throws DepsError `NOT_FOUND`, `HTTP_STATUS`, `TRANSFER_FAILED`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `TOO_LARGE`,
 * `CHART_LAYER`, `DIGEST_MISSING`, `HOST_FORBIDDEN`, `REFERENCE_INVALID`, `NAME_UNSAFE`, `SINK_UNSUITABLE`, `FILE_FAILED`,
 * `NO_SPACE`, `INCOMPLETE`.
 */
export const imageJob: ItemJob = {
  probe: async (item, context) => await wrapped(item, context.signal, (image) => probeImage(image, context)),
  bring: async (item, context) => await wrapped(item, context.signal, (image) => bring(image, context)),
  content: async (item, context) => await wrapped(item, context.signal, (image) => keptContent(image, context)),
};

async function bring(item: ImageItem, context: BringContext) {
  const place = placeOf(item);
  if (place !== undefined) return await bringToLayout(item, place, context);
  const { sink } = requireImageItem(item);
  if (sink.type !== "push") throw new TypeError(`${item.id} goes nowhere`);
  return await bringToRegistry(item, sink, context);
}

async function wrapped<Value>(
  item: DepsItem,
  signal: AbortSignal,
  work: (image: ImageItem) => Promise<Value>,
): Promise<Value> {
  const image = requireImageItem(item);
  try {
    return await work(image);
  } catch (error) {
    throw imageError(error, { item: item.id, reference: referenceOf(image) }, signal);
  }
}
