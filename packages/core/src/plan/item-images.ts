import type { DownloadList } from "./download-list.ts";
import type { PlannedImage } from "./section.ts";

/** What a plan has of one name of a catalog, or of one repository of images: images by the full reference they were resolved from. */
export interface ItemImages {
  /** Of its own repository: versions, images known by digest, and what is attached to them. */
  readonly main: ReadonlyMap<string, PlannedImage>;
  /** Release metadata: channels and versions. */
  readonly metadata: ReadonlyMap<string, PlannedImage>;
  /** Of its extra images' repositories. */
  readonly extra: ReadonlyMap<string, PlannedImage>;
}

/**
 * What a plan has of the package `name`, or of another component's item; `undefined` when it has no archive of it.
 * Release metadata in the archive of the whole catalog is not counted.
 */
export function imagesOfItem(
  { archives }: DownloadList,
  name: string,
  component: string = "packages",
): ItemImages | undefined {
  const archive = archives.find((one) => one.component === component && one.item === name);
  if (!archive) return undefined;
  const none = () => new Map<string, PlannedImage>();
  const all = { main: none(), metadata: none(), extra: none() } satisfies ItemImages;
  for (const repository of archive.sections.flatMap(({ repositories }) => repositories)) {
    const images = all[repository.source === name ? "main" : partOf(repository.path)];
    for (const image of repository.images) images.set(image.reference, image);
  }
  return all;
}

/** Below a catalog's folder and a name's own there are its release metadata and its extra images. */
function partOf(path: string): keyof ItemImages {
  const below = path.split("/")[2];
  if (below === undefined) return "main";
  return below === "extra" ? "extra" : "metadata";
}
