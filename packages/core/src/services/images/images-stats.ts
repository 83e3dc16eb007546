import { compareText } from "../../layout/index-file.ts";
import type { Section } from "../../plan/section.ts";

/** What one repository came to in the last plan or pull of an images service. */
export interface ImageStat {
  /** The full name it is read from. */
  readonly name: string;
  /** Where it is stored. */
  readonly path: string;
  /** Its tags, with those of what is attached; one image under two tags counts twice. */
  readonly images: number;
  /** The tags that were asked for and selected, sorted; an image known by its digest has that one's hexadecimal half. */
  readonly tags: readonly string[];
}

/** What the last plan or pull of an images service came to; repositories sorted by name. */
export interface ImagesStats {
  /** Whether there has been a plan or pull. */
  readonly attempted: boolean;
  readonly totalImages: number;
  readonly repositories: readonly ImageStat[];
}

/** Sums up what is planned for each repository; those without images are left out. */
export function imagesStats(
  attempted: boolean,
  planned: Iterable<readonly [name: string, sections: readonly Section[]]>,
): ImagesStats {
  const repositories = [...planned].flatMap(([name, sections]): ImageStat[] => {
    const parts = sections.flatMap((section) => section.repositories);
    const images = parts.flatMap((one) => one.images);
    const asked = images.filter(({ why }) => why.some((reason) => reason !== "attestation"));
    const [first] = parts;
    return first ? [{ name, path: first.path, images: images.length, tags: asked.map(({ tag }) => tag) }] : [];
  });
  const totalImages = repositories.reduce((sum, { images }) => sum + images, 0);
  return { attempted, totalImages, repositories: repositories.sort((a, b) => compareText(a.name, b.name)) };
}
