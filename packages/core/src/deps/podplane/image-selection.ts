import { chooseNames, isSelected, type Selectors } from "../selectors.ts";
import type { ComponentImage } from "./components-manifest.ts";
import type { ImageRow } from "./image-row.ts";
import { chooseProviders } from "./items.ts";

/** Which images of components are wanted; all are lists with commas. */
export interface ComponentImageFilter {
  /** Architectures. Images for no platform in particular are wanted for each. */
  readonly archs: string | readonly string[];
  /** Cloud providers, or `all`. @defaultValue none */
  readonly providers?: string | readonly string[] | undefined;
  /** Components whose addon images are wanted, or `all`. @defaultValue none */
  readonly addons?: string | readonly string[] | undefined;
}

/** What an image is for: the architecture of its platform. A platform that names none is for no architecture. */
export function imageSelectors({ platform }: Pick<ImageRow, "platform">): Selectors {
  if (platform === "") return {};
  const arch = platform.split("/")[1];
  return { arch: arch === undefined ? [] : [arch] };
}

/** What an image of components is for: architecture, providers and, if it is an addon's, the components it belongs to. */
export function componentImageSelectors(
  image: Pick<ComponentImage, "platform" | "providers" | "addon" | "components">,
): Selectors {
  const { providers, addon, components } = image;
  return {
    ...imageSelectors(image),
    ...(providers.length === 0 ? {} : { provider: providers }),
    ...(addon && components.length > 0 ? { addon: components } : {}), // of nobody: wanted with all
  };
}

/** Which images of a components manifest are wanted: their indexes, in its order. */
export function componentImageIndexes(
  images: readonly Pick<ComponentImage, "platform" | "providers" | "addon" | "components">[],
  { archs, providers, addons = [] }: ComponentImageFilter,
): readonly number[] {
  const selection = { arch: chooseNames(archs), provider: chooseProviders(providers), addon: chooseNames(addons) };
  return indexesOf(images, (image) => isSelected(componentImageSelectors(image), selection));
}

/** Which images of a templates manifest are wanted on these architectures: their indexes, in its order. */
export function templateImageIndexes(
  images: readonly Pick<ImageRow, "platform">[],
  archs: string | readonly string[],
): readonly number[] {
  const selection = { arch: chooseNames(archs) };
  return indexesOf(images, (image) => isSelected(imageSelectors(image), selection));
}

function indexesOf<Row>(rows: readonly Row[], isWanted: (row: Row) => boolean): readonly number[] {
  return rows.flatMap((row, index) => (isWanted(row) ? [index] : []));
}
