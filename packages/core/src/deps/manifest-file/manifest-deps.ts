import { resolve } from "node:path";
import type { Digest } from "@tranship/registry";
import type { DepsAccess } from "../access.ts";
import { applyDeps } from "../apply/apply-deps.ts";
import type { DepsReport } from "../apply/deps-report.ts";
import { planDeps } from "../apply/plan-deps.ts";
import { DepsCache, type OpenCacheOptions } from "../cache/deps-cache.ts";
import { isDepsError } from "../errors.ts";
import type { OnDepsEvent } from "../events.ts";
import type { ContentCheck } from "../jobs/item-job.ts";
import type { DepsItem, DepsManifest } from "../manifest.ts";
import type { DepsPlan } from "../plan.ts";
import type { Selection } from "../selectors.ts";
import { depsItems } from "./deps-items.ts";
import { depsPaths } from "./deps-paths.ts";
import { formerItems, noteItems } from "./former-items.ts";
import { depsManifestOf } from "./parse-manifest.ts";

/** A manifest of our own format as it was read. */
export interface ManifestSource {
  /** Its JSON or YAML, as plain data. */
  readonly value: unknown;
  /** Of the bytes it was read from. */
  readonly digest: Digest;
  /** What it is, for messages. @defaultValue `the manifest` */
  readonly manifest?: string | undefined;
  /** The folder of a local manifest, which may name local files. @defaultValue none: it comes from elsewhere */
  readonly localFolder?: string | undefined;
}

/** Options of {@link ManifestDeps}. */
export interface ManifestDepsOptions {
  /** The folder of the cache; made when something is first written. */
  readonly cacheDir: string;
  /** How files, registries and git repositories are reached. */
  readonly access: DepsAccess;
  readonly source: ManifestSource;
  /** What is wanted; on an axis that is not in it, everything. @defaultValue everything */
  readonly selection?: Selection | undefined;
}

/** What every call may be told. */
export interface ManifestCallOptions extends Pick<OpenCacheOptions, "lock" | "lockTimeoutMs"> {
  readonly signal?: AbortSignal | undefined;
  /** Told what happens, one event after another. */
  readonly onEvent?: OnDepsEvent | undefined;
}

/** Options of {@link ManifestDeps.plan}. */
export interface ManifestPlanOptions extends ManifestCallOptions {
  /** Reads and hashes all that is there, whatever is known of it. @defaultValue `false` */
  readonly isDeep?: boolean | undefined;
  /** Asks nobody. @defaultValue `false` */
  readonly offline?: boolean | undefined;
}

/** Options of {@link ManifestDeps.download}. */
export interface ManifestDownloadOptions extends ManifestPlanOptions {
  /** Files and blobs under way at a time; 4 for numbers below 1. @defaultValue 4 */
  readonly concurrency?: number | undefined;
  /** Goes on with the others when an item fails. @defaultValue `false` */
  readonly keepGoing?: boolean | undefined;
}

/** What {@link ManifestDeps.download} did: plain data. */
export interface ManifestDownloadReport {
  /** What was there and what was missing at the beginning. */
  readonly plan: DepsPlan;
  readonly report: DepsReport;
}

/** How a cache compares with a manifest. */
export interface ManifestCacheStatus {
  /** Whether the cache was not filled from these very bytes. */
  readonly needsUpdate: boolean;
  /** The version it was filled from last; `undefined` if it never was, as a whole. */
  readonly cached?: string | undefined;
  readonly latest: string;
}

/** What a cache was filled from. */
interface FilledFrom {
  readonly version: string;
  readonly digest: string;
}

/** What is known of files where there is no cache yet. */
const nothingCached: ContentCheck = {
  check: async () => "absent",
  note: async () => {},
  known: async () => undefined,
};

/** A cache that is filled from one manifest of our own format. Several may share one folder, if their items agree. */
export class ManifestDeps {
  /** The manifest, with the places its items have in the cache. */
  readonly manifest: DepsManifest;
  /** Those of its items that are wanted, each content once. */
  readonly items: readonly DepsItem[];
  readonly #options: ManifestDepsOptions;

  /**
   * Reads the manifest; touches neither disk nor network.
   * @throws DepsError as `parseDepsManifest` and `depsItems`
   */
  constructor(options: ManifestDepsOptions) {
    this.#options = options;
    [this.manifest, this.items] = this.#read(resolve(options.cacheDir));
  }

  /**
   * What is there and what is to be fetched. Asks nobody, takes no lock and writes nothing.
   * @throws DepsError `FILE_FAILED`, `SINK_UNSUITABLE`
   */
  async plan({ isDeep, offline: isOffline, signal, onEvent }: ManifestPlanOptions = {}): Promise<DepsPlan> {
    await using cache = await this.#look({ signal, onEvent });
    const items = cache ? this.#read(cache.path)[1] : this.items;
    const parts = cache ?? { contents: nothingCached };
    return await planDeps(items, parts, { isDeep, isOffline, signal, onEvent });
  }

  /**
   * Fetches what is missing.
   * @throws DepsError of the first item that failed, unless `keepGoing`; those of opening a cache
   */
  async download(options: ManifestDownloadOptions = {}): Promise<ManifestDownloadReport> {
    const { isDeep, offline: isOffline, concurrency, keepGoing, signal, onEvent } = options;
    await using cache = await this.open(options);
    const [manifest, items] = this.#read(cache.path);
    const plan = await planDeps(items, cache, { isDeep, isOffline, signal, onEvent });
    const running = { concurrency, keepGoing, isOffline, signal, onEvent };
    const report = await applyDeps(plan, cache, this.#options.access, running);
    noteItems(cache.state, report);
    if (report.failed === 0) {
      const from: FilledFrom = { version: manifest.version, digest: this.#options.source.digest };
      cache.state.set(stateKey(manifest), from);
    }
    await cache.save();
    return { plan, report };
  }

  /** Whether the cache was filled from this manifest. Takes no lock and writes nothing. */
  async status({ signal, onEvent }: ManifestCallOptions = {}): Promise<ManifestCacheStatus> {
    await using cache = await this.#look({ signal, onEvent });
    const { version: latest } = this.manifest;
    const filled = filledFrom(cache?.state.get(stateKey(this.manifest)));
    if (filled === undefined) return { needsUpdate: true, latest };
    return { needsUpdate: filled.digest !== this.#options.source.digest, cached: filled.version, latest };
  }

  /** Opens the cache for changes, and makes it if it is missing. @throws DepsError as `DepsCache.open` */
  async open({ lock, lockTimeoutMs, signal, onEvent }: ManifestCallOptions = {}): Promise<DepsCache> {
    return await DepsCache.open(this.#options.cacheDir, { lock, lockTimeoutMs, signal, onEvent });
  }

  /** The wanted items with their places in a cache as it was opened: its folder is without symbolic links. */
  itemsIn({ path }: Pick<DepsCache, "path">): readonly DepsItem[] {
    return this.#read(path)[1];
  }

  /** Items that downloads brought earlier, as far as their places tell; for pruning. */
  formerIn({ path, state }: Pick<DepsCache, "path" | "state">): readonly DepsItem[] {
    return formerItems(state, depsPaths(path));
  }

  async #look(options: Pick<ManifestCallOptions, "signal" | "onEvent">): Promise<DepsCache | undefined> {
    try {
      return await DepsCache.open(this.#options.cacheDir, { readOnly: true, ...options });
    } catch (error) {
      if (isDepsError(error, "NOT_CACHED")) return undefined;
      throw error;
    }
  }

  #read(root: string): readonly [DepsManifest, readonly DepsItem[]] {
    const { source, selection } = this.#options;
    const { value, manifest: name, localFolder } = source;
    const manifest = depsManifestOf(value, { paths: depsPaths(root), manifest: name, localFolder });
    return [manifest, depsItems(manifest, selection)];
  }
}

function stateKey({ name }: DepsManifest): string {
  return `manifest/file/${name}`;
}

/** As it was noted, unless another program wrote something else there. */
function filledFrom(value: unknown): FilledFrom | undefined {
  const { version, digest } = (value ?? {}) as Partial<Record<keyof FilledFrom, unknown>>;
  return typeof version === "string" && typeof digest === "string" ? { version, digest } : undefined;
}
