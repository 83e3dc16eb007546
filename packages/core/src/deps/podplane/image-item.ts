import { isTag, type Platform } from "@tranship/registry";
import { parseItemDigest } from "../digest.ts";
import { DepsError } from "../errors.ts";
import type { DepsItem, ImageSource } from "../manifest.ts";
import type { Selectors } from "../selectors.ts";
import type { CachePaths } from "./cache-paths.ts";
import type { ComponentImage } from "./components-manifest.ts";
import { registryHost, splitImageName, storeRepository } from "./image-names.ts";
import type { ImageRow } from "./image-row.ts";
import { componentImageSelectors } from "./image-selection.ts";

/** What all images of a manifest have in common. */
export interface ImageDomain {
  readonly domain: string;
  /** What they are for; what their rows say unless told. */
  readonly selectors?: Selectors | undefined;
}

/** Where images are kept. */
export interface ImageContext {
  readonly paths: CachePaths;
  readonly storePrefix: string;
}

/**
 * An image, kept in the layout of its repository.
 * @throws DepsError `REFERENCE_INVALID`, `NAME_UNSAFE`, and those of {@link parseItemDigest}
 */
export function imageItem(
  row: ImageRow & Partial<Pick<ComponentImage, "components" | "providers" | "addon">>,
  { domain, selectors }: ImageDomain,
  { paths, storePrefix }: ImageContext,
): DepsItem {
  const { image, platform, size } = row;
  const { components = [], providers = [], addon = false } = row;
  const { name, tag, digest: pinned } = splitImageName(image);
  const digest = parseItemDigest(row.digest, image, { algorithms: ["sha256"] });
  const index = pinned === "" ? undefined : parseItemDigest(pinned, image, { algorithms: ["sha256"] });
  if (tag !== "" && !isTag(tag)) throw invalidTag(image);
  const repository = storeRepository(image, storePrefix);
  return {
    id: `image/${name}${tag && `:${tag}`}@${digest}`,
    version: tag,
    source: {
      ...sourceOf(image),
      ...(index === undefined || index === digest ? {} : { index }),
      ...(platform === "" ? {} : { platform: platformOf(platform) }),
    },
    digest,
    size,
    selectors: selectors ?? componentImageSelectors({ platform, components, providers, addon }),
    sink: { type: "repository-layout", root: paths.registry, repository, tags: tag === "" ? [] : [tag] },
    labels: { domain, name: image },
  };
}

/** The registry and repository of an image, without prefix, as registries know them. */
export function sourceOf(image: string): Pick<ImageSource, "type" | "registry" | "repository"> {
  const registry = registryHost(image);
  const path = storeRepository(image, "").slice(registry.length + 1);
  return {
    type: "image",
    registry,
    repository: registry === "docker.io" && !path.includes("/") ? `library/${path}` : path,
  };
}

function platformOf(platform: string): Platform {
  const [os = "", architecture = "", variant] = platform.split("/");
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

function invalidTag(image: string): DepsError<"REFERENCE_INVALID"> {
  const reference = image.slice(0, 300);
  const reason = "its tag is none";
  return new DepsError("REFERENCE_INVALID", `${JSON.stringify(reference)} is no image reference: ${reason}`, {
    reference,
    reason,
  });
}
