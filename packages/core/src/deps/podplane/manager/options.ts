import type { DepsAccess } from "../../access.ts";
import type { DepsReport } from "../../apply/deps-report.ts";
import type { OpenCacheOptions } from "../../cache/deps-cache.ts";
import type { OnDepsEvent } from "../../events.ts";
import type { DepsPlan } from "../../plan.ts";
import type { ManifestTrust } from "../../trust/manifest-trust.ts";
import type { PodplaneProfile } from "../well-known.ts";
import type { ManifestName } from "./manifest-format.ts";

/** Options of {@link PodplaneDeps}. */
export interface PodplaneDepsOptions {
  /** The folder of the cache; made when something is first written. */
  readonly cacheDir: string;
  /** How files, registries and git repositories are reached. */
  readonly access: DepsAccess;
  /** The release whose conventions hold, or conventions of one's own. @defaultValue `v0.8` */
  readonly profile?: PodplaneProfile | "v0.1" | "v0.8" | undefined;
  /** Where manifests are published. @defaultValue that of the profile */
  readonly baseUrl?: string | undefined;
  /** What stands before the names of repositories in the image store. @defaultValue that of the profile */
  readonly storePrefix?: string | undefined;
  /** What makes fetched manifests worth believing. @defaultValue that they come over https, or from this machine */
  readonly trust?: ManifestTrust | undefined;
  /** @defaultValue the system's clock */
  readonly now?: (() => Date) | undefined;
  /** Waits between attempts at fetching a manifest. @defaultValue a timer */
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/** What every call may be told. */
export interface PodplaneCallOptions extends Pick<OpenCacheOptions, "lock" | "lockTimeoutMs"> {
  readonly signal?: AbortSignal | undefined;
  /** Told what happens, one event after another. */
  readonly onEvent?: OnDepsEvent | undefined;
  /** Asks nobody: manifests are those kept from earlier. @defaultValue `false` */
  readonly offline?: boolean | undefined;
}

/** Local files in place of manifests that are fetched. They may name local files and folders, relative to their own folder. */
export interface ManifestFiles {
  /** Of the one architecture that is named first; or by architecture. */
  readonly vmconfig?: string | Readonly<Record<string, string>> | undefined;
  readonly components?: string | undefined;
  readonly templates?: string | undefined;
  readonly seeds?: string | undefined;
}

/** Options of {@link PodplaneDeps.download}. Lists may be written with commas. */
export interface PodplaneDownloadOptions extends PodplaneCallOptions {
  /** The kind of machine. @defaultValue `knc` */
  readonly kind?: string | undefined;
  /** The architecture whose files are found by name where several have one of the same name. */
  readonly arch: string;
  /** All architectures, {@link PodplaneDownloadOptions.arch} among them or not. @defaultValue that one */
  readonly archs?: string | readonly string[] | undefined;
  /** Cloud providers, or `all`. @defaultValue none */
  readonly providers?: string | readonly string[] | undefined;
  /** Components whose addon images are wanted, or `all`. @defaultValue those the profile recommends */
  readonly addons?: string | readonly string[] | undefined;
  /** Leaves out all that is not of one architecture: components, templates and seeds. @defaultValue `false` */
  readonly skipCrossArchDependencies?: boolean | undefined;
  /** @defaultValue `false` */
  readonly skipSeeds?: boolean | undefined;
  /** Leaves out the git repository of the components. @defaultValue `false` */
  readonly skipComponentsGit?: boolean | undefined;
  /** Only what these manifests ask for; the others are not even fetched. @defaultValue all four */
  readonly only?: readonly ManifestName[] | undefined;
  /** @defaultValue none: all are fetched */
  readonly manifests?: ManifestFiles | undefined;
  /** Looks what is missing and writes nothing at all. @defaultValue `false` */
  readonly dryRun?: boolean | undefined;
  /** Files and blobs under way at a time; 4 for numbers below 1. @defaultValue 4 */
  readonly concurrency?: number | undefined;
  /** Reads and hashes all that is there, whatever is known of it. @defaultValue `false` */
  readonly isDeep?: boolean | undefined;
  /** Goes on with the others when an item fails. No manifest is written then. @defaultValue `false` */
  readonly keepGoing?: boolean | undefined;
}

/** A manifest that was used. */
export interface UsedManifest {
  /** Such as `components` or `vmconfig_knc_debian-13_arm64`. */
  readonly name: string;
  readonly version: string;
  /** Of its bytes as they were published. */
  readonly digest: string;
  /** The address or the file it is from, without secrets. */
  readonly from: string;
}

/** What {@link PodplaneDeps.download} did, or would do: plain data. */
export interface PodplaneReport {
  readonly manifests: readonly UsedManifest[];
  /** What was there and what was missing at the beginning. */
  readonly plan: DepsPlan;
  /** What became of each item; `undefined` of a dry run. */
  readonly report?: DepsReport | undefined;
  /** Whether everything is there and the manifests were written. */
  readonly isComplete: boolean;
}

/** Options of {@link PodplaneDeps.verify}. */
export interface PodplaneVerifyOptions extends Pick<PodplaneCallOptions, "signal" | "onEvent"> {
  /** Reads and hashes everything, whatever is known of it. @defaultValue `false` */
  readonly isDeep?: boolean | undefined;
}

/** How a manifest of the cache compares with the one that is published. */
export interface ManifestStatus {
  /** Whether the two differ in anything but what the cache noted, or none is cached. */
  readonly needsUpdate: boolean;
  /** The version that is cached; `undefined` when none is, or it cannot be read. */
  readonly cached?: string | undefined;
  readonly latest: string;
}

/** What {@link PodplaneDeps.status} finds. */
export interface PodplaneStatus extends Readonly<Record<ManifestName, ManifestStatus>> {
  /** Whether the vmconfig manifest needs it, or another that is cached. */
  readonly needsUpdate: boolean;
}
