import type { DepsItem } from "../../manifest.ts";
import type { CachePaths } from "../cache-paths.ts";
import type { ComponentsManifest } from "../components-manifest.ts";
import type { VmConfigItem } from "../items.ts";
import { markRowsCached } from "../markers.ts";
import type { SeedsManifest } from "../seeds-manifest.ts";
import type { TemplatesManifest } from "../templates-manifest.ts";
import type { VmConfigManifest } from "../vmconfig-manifest.ts";
import { supportedArchs } from "../well-known.ts";
import { type CachedItemsOptions, cachedItems } from "./cached-items.ts";
import { type CachedManifest, readCached } from "./cached-manifest.ts";
import { type CachedChart, cachedChart, ensureChart } from "./charts.ts";
import { download } from "./download.ts";
import { changeManifest, ensureManifest, writeManifest } from "./ensure-manifest.ts";
import { formerItems } from "./former-items.ts";
import { type ManagerContext, managerContext } from "./manager-context.ts";
import type {
  PodplaneCallOptions,
  PodplaneDepsOptions,
  PodplaneDownloadOptions,
  PodplaneReport,
  PodplaneStatus,
  PodplaneVerifyOptions,
} from "./options.ts";
import { cachedSnapshot, ensureSnapshot } from "./seeds.ts";
import { isStale, statusOf, updateNudge } from "./status.ts";
import { notCached, verifyMachine } from "./verify.ts";

/**
 * What Podplane depends on, in a cache as Podplane reads it. Several may use one cache, in this process and in others:
 * who changes it waits for the one who does. Nothing is shared between instances but the folder.
 *
 * Manifests are written in the end, all together, and only when everything they ask for is there. What was published is
 * kept as it was beside them, by its digest.
 */
export class PodplaneDeps {
  readonly #context: ManagerContext;

  /** @throws TypeError for public keys, hosts and names of pinned manifests that are none */
  constructor(options: PodplaneDepsOptions) {
    this.#context = managerContext(options);
  }

  /** Where everything is. */
  get paths(): CachePaths {
    return this.#context.paths;
  }

  /** The image store. */
  get registryCacheDir(): string {
    return this.paths.registry;
  }

  /** The image store of v0.1. */
  get componentsImagesCacheDir(): string {
    return this.paths.componentsImages;
  }

  /** The chart store. */
  get templateChartsCacheDir(): string {
    return this.paths.templateCharts;
  }

  /** The folder of git mirrors. */
  get gitCacheDir(): string {
    return this.paths.git;
  }

  /**
   * The mirror of a git repository.
   * @throws DepsError `GIT_SOURCE`, `NAME_UNSAFE`
   */
  gitCachePath(url: string): string {
    return this.paths.gitRepository(url);
  }

  /**
   * The mirror of the components' git repository; `undefined` when they have none.
   * @throws DepsError as {@link PodplaneDeps.readCachedComponentsManifest}, `GIT_SOURCE`, `NAME_UNSAFE`
   */
  async componentsGitCachePath(): Promise<string | undefined> {
    const { source } = (await this.readCachedComponentsManifest()).manifest.components;
    return source && this.paths.gitRepository(source.url);
  }

  /**
   * Where a file of a machine is found by its name.
   * @throws DepsError `NAME_UNSAFE`
   */
  vmConfigArtifactCachePath(item: Pick<VmConfigItem, "name" | "version" | "url">): string {
    return this.paths.vmConfigArtifact(item);
  }

  /**
   * Brings everything the manifests ask for. They are loaded first, then all they say is checked, then what is missing is
   * fetched, of all architectures and kinds together. Where several architectures have a file of one name and version,
   * that name leads to the file of `arch`; the others are found by their digests.
   * @throws DepsError of the first item that failed, unless `keepGoing`; before anything is fetched those of manifests
   * (`MANIFEST_PARSE`, `STUB_PUBLISHED`, `PIN_MISMATCH`, `SIGNATURE_INVALID`, `DOWNGRADE`, `OFFLINE`, `DIGEST_MISSING` and so on)
   */
  download(options: PodplaneDownloadOptions): Promise<PodplaneReport> {
    return download(this.#context, options);
  }

  /**
   * Makes sure that a machine's files and images are there: those every machine needs, and those of providers that were
   * asked for. What the cache noted in its manifest is not believed. A file that gave its name to one of another
   * architecture is looked for by its digest, and one an older tool left where it is found by name is taken over.
   * @throws DepsError `NOT_CACHED`, `INCOMPLETE`, `MANIFEST_PARSE` for a torn manifest: see {@link isMendedByDownload}
   */
  verify(kind: string, arch: string, options: PodplaneVerifyOptions = {}): Promise<VmConfigManifest> {
    return verifyMachine(this.#context, kind, arch, options);
  }

  /**
   * Compares the cached manifests with the published ones. Nothing is written.
   * @throws DepsError as loading manifests
   */
  status(kind: string, arch: string, options: PodplaneCallOptions = {}): Promise<PodplaneStatus> {
    return statusOf(this.#context, kind, arch, options);
  }

  /** Whether a machine's manifest was written, or last found to be the latest, longer ago than that, or is not cached. */
  isStale(kind: string, arch: string, thresholdMs: number): Promise<boolean> {
    return isStale(this.#context, this.#context.spots.vmconfig(kind, arch), thresholdMs);
  }

  /**
   * A line for users whose cache may be old: that there is a newer version, or since when nobody could look. Empty when
   * there is nothing to tell. Never rejects.
   */
  checkUpdateNudge(kind: string, arch: string, options: PodplaneCallOptions = {}): Promise<string> {
    return updateNudge(this.#context, kind, arch, options);
  }

  /**
   * Everything the cached manifests ask for, as far as it was asked for: what is to be verified, exported, and not pruned.
   * @throws DepsError `MANIFEST_PARSE`, `INCOMPLETE`
   */
  cachedItems(options: CachedItemsOptions = {}): Promise<readonly DepsItem[]> {
    return cachedItems(this.#context, options);
  }

  /**
   * What was noted as cached in the copies that are kept of manifests: whose tags a pruning may take for its own.
   * @throws DepsError `FILE_FAILED`
   */
  formerItems(options: Pick<PodplaneCallOptions, "signal"> = {}): Promise<readonly DepsItem[]> {
    return formerItems(this.#context, options.signal);
  }

  /**
   * A machine's manifest as it is in the cache, with its bytes; `undefined` without one.
   * @throws DepsError `MANIFEST_PARSE`, `FILE_FAILED`
   */
  readCachedVmConfigManifest(kind: string, arch: string): Promise<CachedManifest<VmConfigManifest> | undefined> {
    return readCached(this.#context.spots.vmconfig(kind, arch));
  }

  /**
   * The templates manifest as it is in the cache, with its bytes; `undefined` without one.
   * @throws DepsError `MANIFEST_PARSE`, `FILE_FAILED`
   */
  readCachedTemplatesManifest(): Promise<CachedManifest<TemplatesManifest> | undefined> {
    return readCached(this.#context.spots.templates);
  }

  /**
   * The seeds manifest as it is in the cache, with its bytes; `undefined` without one.
   * @throws DepsError `MANIFEST_PARSE`, `FILE_FAILED`
   */
  readCachedSeedsManifest(): Promise<CachedManifest<SeedsManifest> | undefined> {
    return readCached(this.#context.spots.seeds);
  }

  /**
   * The cached components manifest. One without a version is as good as none.
   * @throws DepsError `NOT_CACHED`, `MANIFEST_PARSE`, `FILE_FAILED`
   */
  async readCachedComponentsManifest(): Promise<CachedManifest<ComponentsManifest>> {
    const { components } = this.#context.spots;
    const cached = await readCached(components);
    if (cached === undefined || cached.manifest.components.version === "")
      throw notCached(components.stem, components.paths.latest);
    return cached;
  }

  /**
   * The version of the cached components.
   * @throws DepsError `NOT_CACHED`, `MANIFEST_PARSE`, `FILE_FAILED`
   */
  async cachedComponentsVersion(): Promise<string> {
    return (await this.readCachedComponentsManifest()).manifest.components.version;
  }

  /**
   * The version of the cached seeds; `undefined` without any.
   * @throws DepsError `MANIFEST_PARSE`, `FILE_FAILED`
   */
  async cachedSeedsVersion(): Promise<string | undefined> {
    return (await this.readCachedSeedsManifest())?.manifest.seeds.version;
  }

  /**
   * Writes a machine's manifest into the cache, as it is given, and a copy that stays.
   * @throws DepsError `MANIFEST_PARSE`, `NAME_UNSAFE`, `FILE_FAILED`, `CACHE_LOCKED`
   */
  writeCachedVmConfigManifest(kind: string, arch: string, raw: Uint8Array | string): Promise<void> {
    return writeManifest(this.#context, this.#context.spots.vmconfig(kind, arch), raw);
  }

  /**
   * Writes a components manifest into the cache, as it is given, and a copy that stays.
   * @throws DepsError `MANIFEST_PARSE`, `FILE_FAILED`, `CACHE_LOCKED`
   */
  writeCachedComponentsManifest(raw: Uint8Array | string): Promise<void> {
    return writeManifest(this.#context, this.#context.spots.components, raw);
  }

  /**
   * Writes a templates manifest into the cache, as it is given, and a copy that stays.
   * @throws DepsError `MANIFEST_PARSE`, `FILE_FAILED`, `CACHE_LOCKED`
   */
  writeCachedTemplatesManifest(raw: Uint8Array | string): Promise<void> {
    return writeManifest(this.#context, this.#context.spots.templates, raw);
  }

  /**
   * Writes a seeds manifest into the cache, as it is given, and a copy that stays.
   * @throws DepsError `MANIFEST_PARSE`, `FILE_FAILED`, `CACHE_LOCKED`
   */
  writeCachedSeedsManifest(raw: Uint8Array | string): Promise<void> {
    return writeManifest(this.#context, this.#context.spots.seeds, raw);
  }

  /**
   * Notes in the cached manifest that the image at `index` is there, for those who put it into the store themselves.
   * @throws DepsError `NOT_CACHED`, `MANIFEST_PARSE`
   */
  async markImageCached(name: "components" | "templates", index: number): Promise<void> {
    const { components, templates } = this.#context.spots;
    if (name === "components") {
      await this.readCachedComponentsManifest(); // one without a version is as good as none
      return changeManifest(this.#context, components, (manifest) => {
        const images = markRowsCached(manifest.components.images, [index]);
        return { ...manifest, components: { ...manifest.components, images } };
      });
    }
    return changeManifest(this.#context, templates, (manifest) => {
      const images = markRowsCached(manifest.templates.images, [index]);
      return { ...manifest, templates: { ...manifest.templates, images } };
    });
  }

  /**
   * A machine's cached manifest; fetched and written if there is none. None of its files are.
   * @throws DepsError `STUB_PUBLISHED`, and as loading manifests
   */
  ensureVmConfigManifestCached(
    kind: string,
    arch: string,
    options: PodplaneCallOptions = {},
  ): Promise<VmConfigManifest> {
    return ensureManifest(this.#context, this.#context.spots.vmconfig(kind, arch), options);
  }

  /**
   * The cached seeds manifest; fetched and written if there is none. No snapshot is.
   * @throws DepsError as loading manifests
   */
  ensureSeedsManifestCached(options: PodplaneCallOptions = {}): Promise<SeedsManifest> {
    return ensureManifest(this.#context, this.#context.spots.seeds, options);
  }

  /**
   * Brings all snapshots of the latest seeds, and nothing else.
   * @throws DepsError as {@link PodplaneDeps.download}
   */
  async ensureSeedSnapshotsCached(options: PodplaneCallOptions = {}): Promise<SeedsManifest> {
    await download(this.#context, { ...options, arch: anyArch, only: ["seeds"] });
    return ensureManifest(this.#context, this.#context.spots.seeds, options);
  }

  /**
   * The path of one snapshot, which is brought if it is not there, and no other one. A version that was the latest once
   * is brought from where it was then.
   * @param version of the seeds; whatever is the latest, if `undefined`
   * @throws DepsError `SEED_VERSION` for one that is neither the latest nor known from earlier, `SEED_SOURCE`
   */
  ensureSeedSnapshot(name: string, version: string | undefined, options: PodplaneCallOptions = {}): Promise<string> {
    return ensureSnapshot(this.#context, name, version, options);
  }

  /**
   * The path of a snapshot that is noted as cached, or one of a version that was the latest once and is still there.
   * @param version of the seeds; the latest that is cached, if `undefined`
   * @throws DepsError `NOT_CACHED`, `SEED_VERSION`, `SEED_SOURCE` for a name that is none, `MANIFEST_PARSE`
   */
  cachedSeedSnapshotPath(name: string, version?: string): Promise<string> {
    return cachedSnapshot(this.#context, name, version);
  }

  /**
   * A chart that is noted as cached, and its archive, whose bytes are not read.
   * @throws DepsError `NOT_CACHED`, `CHART_TYPE` for a name that is none, `MANIFEST_PARSE`
   */
  cachedTemplateChart(name: string): Promise<CachedChart> {
    return cachedChart(this.#context, name);
  }

  /** The archive of a chart that is noted as cached. @throws DepsError as {@link PodplaneDeps.cachedTemplateChart} */
  async cachedTemplateChartPath(name: string): Promise<string> {
    return (await this.cachedTemplateChart(name)).path;
  }

  /**
   * A chart and its archive; brought if it is not there, without anything else.
   * @throws DepsError `CHART_TYPE`, `CHART_LAYER`, and as {@link PodplaneDeps.download}
   */
  ensureTemplateChart(name: string, options: PodplaneCallOptions = {}): Promise<CachedChart> {
    return ensureChart(this.#context, name, options);
  }

  /**
   * Mirrors the components' git repository, and nothing else; gives its path, `undefined` when they have none.
   * @throws DepsError `GIT_SOURCE`, `GIT_FAILED`, `TOOL_MISSING`, and as loading manifests
   */
  async ensureComponentsGitCached(options: PodplaneCallOptions = {}): Promise<string | undefined> {
    await download(this.#context, {
      ...options,
      arch: anyArch,
      only: ["components"],
      narrow: ({ components }) => {
        if (components === undefined) return {};
        const { manifest } = components;
        const narrowed = { ...manifest, components: { ...manifest.components, images: [] } };
        return { components: { ...components, manifest: narrowed } };
      },
    });
    return this.componentsGitCachePath();
  }
}

/** For what is for every architecture. */
const anyArch = supportedArchs[0] ?? "";
