import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { type Digest, digestAlgorithm, digestHex } from "@tranship/registry";
import { DepsError } from "../errors.ts";
import { requirePathSegment } from "../path-segment.ts";
import { chartRepository } from "./charts.ts";
import { gitRepositoryPath } from "./git-source.ts";
import { storeRepository } from "./image-names.ts";
import { artifactSegments, type VmConfigItem } from "./items.ts";
import { vmConfigFile } from "./manifest-urls.ts";
import type { SeedSnapshot } from "./seeds-manifest.ts";
import type { TemplateChart } from "./templates-manifest.ts";
import type { PodplaneProfile } from "./well-known.ts";

/** Where a manifest is kept. */
export interface ManifestPaths {
  readonly latest: string;
  /** A copy that stays: named by the time it is made and by the first digits of the SHA-256 of its bytes. */
  history(bytes: Uint8Array | string): string;
}

/** Where everything is in a cache. All paths stay below its folder, whatever manifests say; {@link CachePaths.registry} may be its neighbour. */
export interface CachePaths {
  /** The folder of the cache. */
  readonly root: string;
  /** @throws DepsError `NAME_UNSAFE` */
  vmConfigManifest(kind: string, arch: string): ManifestPaths;
  readonly componentsManifest: ManifestPaths;
  readonly templatesManifest: ManifestPaths;
  readonly seedsManifest: ManifestPaths;
  /** Where the content of a file is: by its digest, so that files of one name for several architectures do not meet. */
  vmConfigContent(digest: Digest): string;
  /**
   * Where a file is looked for by its name: a link to its content.
   * @throws DepsError `NAME_UNSAFE`
   */
  vmConfigArtifact(item: Pick<VmConfigItem, "name" | "version" | "url">): string;
  /** The image store of v0.1. */
  readonly componentsImages: string;
  /** The image store: beside the cache if that is called `deps`, else in it; of v0.1 {@link CachePaths.componentsImages}. */
  readonly registry: string;
  /**
   * The layout of an image's repository in the image store.
   * @throws DepsError `REFERENCE_INVALID`, `NAME_UNSAFE`
   */
  imageRepository(image: string, prefix: string): string;
  /** The chart store. */
  readonly templateCharts: string;
  /**
   * The layout of a chart's repository in the chart store.
   * @throws DepsError `NAME_UNSAFE`
   */
  templateChart(chart: Pick<TemplateChart, "name" | "url">): string;
  /**
   * A snapshot of seeds of a version.
   * @throws DepsError `NAME_UNSAFE`, `URL_INVALID`
   */
  seedSnapshot(name: string, version: string, snapshot: Pick<SeedSnapshot, "path" | "url">): string;
  /** The folder of git mirrors. */
  readonly git: string;
  /**
   * The mirror of a git repository.
   * @throws DepsError `GIT_SOURCE`, `NAME_UNSAFE`
   */
  gitRepository(url: string): string;
}

/** What {@link cachePaths} may be told. */
export interface CachePathsOptions {
  /** The time for names of copies. @defaultValue the system's */
  readonly now?: (() => Date) | undefined;
  /** Which folder is the image store. @defaultValue `registry` */
  readonly imageStore?: PodplaneProfile["imageStore"] | undefined;
}

/** Where everything is in the cache at `root`. Nothing is read or made. */
export function cachePaths(root: string, options: CachePathsOptions = {}): CachePaths {
  const { now = () => new Date(), imageStore = "registry" } = options;
  const manifest = (folder: string, stem: string, separator: string): ManifestPaths => {
    const pathOf = (name: string) =>
      join(root, folder, "manifests", requirePathSegment(`${name}.json`, "manifest name"));
    return {
      latest: pathOf(stem),
      history: (bytes) => pathOf([stem, timestamp(now()), fingerprint(bytes)].join(separator)),
    };
  };
  const componentsImages = join(root, "components", "images");
  const ownRegistry = join(basename(root) === "deps" ? dirname(root) : root, "registry");
  const registry = imageStore === "registry" ? ownRegistry : componentsImages;
  const git = join(root, "git");
  const templateCharts = join(root, "templates", "charts");
  return {
    root,
    vmConfigManifest: (kind, arch) => manifest("vmconfig", vmConfigFile(kind, arch).replace(/\.json$/, ""), "_"),
    componentsManifest: manifest("components", "components", "-"),
    templatesManifest: manifest("templates", "templates", "_"),
    seedsManifest: manifest("seeds", "seeds", "_"),
    vmConfigContent: (digest) => join(root, "vmconfig", "blobs", digestAlgorithm(digest), digestHex(digest)),
    vmConfigArtifact: (item) => join(root, "vmconfig", "artifacts", ...artifactSegments(item)),
    componentsImages,
    registry,
    imageRepository: (image, prefix) => join(registry, ...storeRepository(image, prefix).split("/")),
    templateCharts,
    templateChart: (chart) => join(templateCharts, ...chartRepository(chart).split("/")),
    seedSnapshot: (name, version, snapshot) =>
      join(root, "seeds", "snapshots", ...snapshotSegments(name, version, snapshot)),
    git,
    gitRepository: (url) => join(git, ...gitRepositoryPath(url).split("/")),
  };
}

/** `20260724T101500Z` */
function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}

function fingerprint(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 12);
}

function snapshotSegments(
  name: string,
  version: string,
  { path, url }: Pick<SeedSnapshot, "path" | "url">,
): readonly string[] {
  const file = lastPart(path) || (url === "" ? "" : lastPart(pathOfUrl(name, url))) || `${name}.netsy`;
  return [
    requirePathSegment(name, "snapshot name"),
    ...(version === "" ? [] : [requirePathSegment(version, "version of the seeds")]),
    requirePathSegment(file, `file name of snapshot ${name}`),
  ];
}

function lastPart(path: string): string {
  return path.split("/").findLast((part) => part !== "") ?? "";
}

function pathOfUrl(item: string, url: string): string {
  try {
    return decodeURIComponent(new URL(url).pathname);
  } catch (cause) {
    const shown = url
      .replace(/^.*@/s, "***@") // before a query is looked for: a password may have a question mark in it
      .replace(/\?.*$/s, "?***")
      .slice(0, 300);
    const reason = "it is no address";
    const message = `cannot fetch ${item} from ${JSON.stringify(shown)}: ${reason}`;
    throw new DepsError("URL_INVALID", message, { item, url: shown, reason }, { cause });
  }
}
