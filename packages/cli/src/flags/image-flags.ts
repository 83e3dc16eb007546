import {
  type ImageRewrite,
  type ImageSelection,
  ImagesService,
  type ImagesServiceOptions,
  isMirrorError,
  MirrorError,
} from "@tranship/core";
import { type Command, Option } from "commander";
import { UsageError } from "../usage-error.ts";
import { repeatable } from "./repeatable.ts";

/** Flags that name images of any registries, and where they go. */
export interface ImageFlags {
  /** The configuration gives selections, too. */
  readonly image: readonly (string | ImageSelection)[];
  readonly excludeImage: readonly string[];
  readonly imagePath?: "keep" | "strip";
  readonly imagePrefix?: string;
  readonly imageRewrite: readonly string[];
}

/** Adds the flags of {@link ImageFlags}. */
export function withImageFlags(command: Command): Command {
  return command
    .optionsGroup("Images of any registry:")
    .addOption(
      repeatable(
        "--image <reference>",
        "images of any registry: host/path:TAG, @DIGEST, or @ and what selects tags, such as 'alpine@^3.19 & latest:2'",
      ),
    )
    .addOption(
      repeatable(
        "--exclude-image <reference>",
        "tags of them to leave out, such as 'ghcr.io/org/app@*-rc*'; * for every name",
      ),
    )
    .addOption(
      new Option(
        "--image-path <how>",
        "whether their paths in the bundle begin with the registry's host (default: keep)",
      ).choices(["keep", "strip"]),
    )
    .option("--image-prefix <path>", "what their paths in the bundle begin with")
    .addOption(
      repeatable("--image-rewrite <from=to>", "another beginning for their paths, such as ghcr.io/org=mirror/org"),
    );
}

/** What holds for images as it does for catalogs. */
export type SharedImageOptions = Pick<
  ImagesServiceOptions,
  "attached" | "platforms" | "platformMode" | "proxy" | "from"
>;

/**
 * The service for the images the flags name.
 * @throws UsageError, MirrorError `SELECTION_INVALID`
 */
export function imagesServiceFor(flags: ImageFlags, shared: SharedImageOptions): ImagesService {
  const { image: images, excludeImage: exclude, imagePath: host, imagePrefix: prefix } = flags;
  const rewrites = flags.imageRewrite.map(rewriteOf);
  try {
    return new ImagesService({ ...shared, images, exclude, paths: { host, prefix, rewrites } });
  } catch (error) {
    if (!isMirrorError(error, "SELECTION_INVALID")) throw error;
    const { expression } = error.details;
    const flag = images.includes(expression) ? "--image" : exclude.includes(expression) ? "--exclude-image" : undefined;
    if (flag === undefined) throw error;
    throw new MirrorError("SELECTION_INVALID", `${flag}: ${error.message}`, error.details, { cause: error });
  }
}

/** Flags that say where images go mean nothing without any. @throws UsageError */
export function checkImageFlags(flags: ImageFlags): void {
  if (flags.image.length > 0) return;
  const given = [
    ...(flags.excludeImage.length > 0 ? ["--exclude-image"] : []),
    ...(flags.imagePath === undefined ? [] : ["--image-path"]),
    ...(flags.imagePrefix === undefined ? [] : ["--image-prefix"]),
    ...(flags.imageRewrite.length > 0 ? ["--image-rewrite"] : []),
  ];
  if (given[0] !== undefined) throw new UsageError(`${given[0]} needs --image, which says which images`);
}

function rewriteOf(text: string): ImageRewrite {
  const at = text.indexOf("=");
  if (at > 0) return { from: text.slice(0, at), to: text.slice(at + 1) };
  throw new UsageError(`--image-rewrite ${text}: write it as FROM=TO, such as ghcr.io/org=mirror/org`);
}
