import {
  type AttachedKinds,
  attachedKinds,
  type CatalogServiceOptions,
  type ImagesService,
  isMirrorError,
  MirrorError,
  ModulesService,
  PackagesService,
  type PlatformOptions,
  type RegistryOfHost,
} from "@tranship/core";
import { isRepositoryPath, type RegistryReader } from "@tranship/registry";
import { type Command, Option } from "commander";
import type { OnCliEvent } from "../print/cli-event.ts";
import type { Sources } from "../sources.ts";
import { UsageError } from "../usage-error.ts";
import { accessTimeoutMsOf, type FailureFlags } from "./failure-flags.ts";
import { repeatable } from "./flags.ts";
import { checkImageFlags, type ImageFlags, imagesServiceFor, withImageFlags } from "./image-flags.ts";

/** Flags that say what to mirror. */
export interface SelectionFlags extends FailureFlags, ImageFlags {
  readonly packages: boolean;
  readonly packageVersions: boolean;
  readonly includePackage: readonly string[];
  readonly excludePackage: readonly string[];
  readonly modules: boolean;
  readonly includeModule: readonly string[];
  readonly excludeModule: readonly string[];
  readonly modulesPathSuffix?: string;
  readonly onlyExtraImages?: boolean;
  readonly proxyRegistry?: boolean;
  readonly referrers?: AttachedKinds;
  readonly skipVexImages?: boolean;
  readonly platform: readonly string[];
  readonly sparse?: boolean;
}

/** A service of the command line: one catalog of the source. */
export type CatalogPlanner = PackagesService | ModulesService;

/** Adds the flags of {@link SelectionFlags}. */
export function withSelectionFlags(command: Command): Command {
  const expression = "name, name@=TAG or name@RANGE such as 'name@>=1.3 <2'";
  return withImageFlags(command)
    .optionsGroup("Packages and modules:")
    .addOption(repeatable("--include-package <name>", `only these packages: ${expression}`))
    .addOption(repeatable("--exclude-package <name>", "all packages but these"))
    .option("--no-packages", "leave the packages out; package-versions.tar is still brought")
    .option("--no-package-versions", "leave package-versions.tar out, the release metadata of the whole catalog")
    .addOption(repeatable("-i, --include-module <name>", `only these modules: ${expression}`))
    .addOption(repeatable("-e, --exclude-module <name>", "all modules but these"))
    .option("--no-modules", "leave the modules out")
    .option("--modules-path-suffix <path>", "where the source keeps its modules; / for its root", "/modules")
    .option("--only-extra-images", "nothing but the extra images that packages and modules list")
    .option("--proxy-registry", "the source cannot list tags: ask for one version after another")
    .optionsGroup("For all of them:")
    .addOption(
      new Option("--referrers <kinds>", "what to bring of attestations, signatures and the like").choices(
        attachedKinds,
      ),
    )
    .option("--skip-vex-images", "bring no statements about vulnerabilities: --referrers all-but-vex")
    .addOption(repeatable("--platform <os/arch>", "of images for several platforms only this one, such as linux/arm64"))
    .option("--sparse", "keep their indexes as they are, and leave what they list for other platforms out");
}

/**
 * What the flags ask for: the source's catalogs, unless nothing but images is named, and the images.
 * Nothing is asked of any registry; `onEvent` takes warnings.
 * @throws UsageError, MirrorError `SELECTION_INVALID`
 */
export async function openServices(
  sources: Sources,
  flags: SelectionFlags,
  onEvent?: OnCliEvent,
): Promise<readonly (CatalogPlanner | ImagesService)[]> {
  checkImageFlags(flags);
  const asked = catalogFlag(flags);
  const isSourceAsked = sources.isWanted || asked !== undefined || flags.image.length === 0;
  if (asked !== undefined && flags.image.length > 0 && sources.place === undefined)
    throw new UsageError(`${asked} needs --source: without it, only images are mirrored`);
  const catalogs = isSourceAsked ? servicesFor(await sources.source(), flags, onEvent) : [];
  if (flags.image.length === 0) return catalogs;
  let from: RegistryOfHost | undefined;
  const { proxyRegistry: proxy } = flags;
  const lazily = (host: string) => {
    if (from) return from(host);
    throw new Error(`${host} is asked before it is opened`);
  };
  const images = imagesServiceFor(flags, { attached: attachedOf(flags), ...platformsOf(flags), proxy, from: lazily });
  from = await sources.ofHosts(images.hosts, { isSourceAsked });
  return [...catalogs, images];
}

/** Which platforms are brought, and what becomes of indexes. @throws UsageError */
function platformsOf({ platform: platforms, sparse = false }: SelectionFlags): PlatformOptions {
  if (sparse && platforms.length === 0)
    throw new UsageError("--sparse needs --platform, which says what is not left out");
  return { platforms, platformMode: sparse ? "sparse" : "narrow" };
}

/** What is brought of what refers to images. @throws UsageError */
function attachedOf({ referrers, skipVexImages }: SelectionFlags): AttachedKinds {
  if (skipVexImages && (referrers === "vex" || referrers === "all"))
    throw new UsageError(`--skip-vex-images and --referrers ${referrers} contradict each other`);
  return referrers ?? (skipVexImages ? "all-but-vex" : "all");
}

/** The first flag that asks for something of a catalog. */
function catalogFlag(flags: SelectionFlags): string | undefined {
  const { includePackage, excludePackage, includeModule, excludeModule, onlyExtraImages } = flags;
  if (includePackage.length > 0) return "--include-package";
  if (excludePackage.length > 0) return "--exclude-package";
  if (includeModule.length > 0) return "--include-module";
  if (excludeModule.length > 0) return "--exclude-module";
  return onlyExtraImages ? "--only-extra-images" : undefined;
}

/**
 * What the flags ask for, catalog by catalog. Nothing is asked of the source; `onEvent` takes warnings.
 * @throws UsageError, MirrorError `SELECTION_INVALID`
 */
export function servicesFor(
  source: RegistryReader,
  flags: SelectionFlags,
  onEvent?: OnCliEvent,
): readonly CatalogPlanner[] {
  check(flags);
  const { onlyExtraImages = false, proxyRegistry: proxy = false } = flags;
  const attached = attachedOf(flags);
  const shared = {
    source,
    attached,
    ...platformsOf(flags),
    onlyExtraImages,
    proxy,
    accessTimeoutMs: accessTimeoutMsOf(flags),
  } satisfies Partial<CatalogServiceOptions>;
  const warn = (message: string) => onEvent?.({ type: "warning.raised", code: "FLAG_OVERRULED", message });
  const services: CatalogPlanner[] = [];
  const wantsPackages = flags.packages || onlyExtraImages;
  // The packages of a proxy are those that are named; without names there is nothing to ask it for.
  const isUnnamed = proxy && flags.includePackage.length === 0;
  if (wantsPackages && isUnnamed) warn("packages are left out: a proxy lists none, and --include-package names none");
  if (!isUnnamed && (wantsPackages || flags.packageVersions)) {
    const [include, exclude] = [flags.includePackage, flags.excludePackage];
    const metadata = { metadataOnly: !wantsPackages, catalogMetadata: flags.packageVersions };
    services.push(
      named("package", include, exclude, () => new PackagesService({ ...shared, include, exclude, ...metadata })),
    );
  }
  if (!flags.modules && flags.includeModule.length > 0)
    warn("--no-modules is overruled by --include-module: the modules it names are brought");
  if (flags.modules || flags.includeModule.length > 0 || onlyExtraImages) {
    const [include, exclude, sourcePath] = [flags.includeModule, flags.excludeModule, modulesPathOf(flags)];
    services.push(
      named("module", include, exclude, () => new ModulesService({ ...shared, include, exclude, sourcePath })),
    );
  }
  if (services.length === 0 && flags.image.length === 0)
    throw new UsageError("nothing to do: every component is left out");
  return services;
}

/** Makes a service; an expression it cannot read is told with the flag it came by. */
function named<Service>(
  kind: "package" | "module",
  include: readonly string[],
  exclude: readonly string[],
  create: () => Service,
): Service {
  try {
    return create();
  } catch (error) {
    if (!isMirrorError(error, "SELECTION_INVALID")) throw error;
    const { expression } = error.details;
    const verb = include.includes(expression) ? "include" : exclude.includes(expression) ? "exclude" : undefined;
    if (verb === undefined) throw error;
    const message = `--${verb}-${kind}: ${error.message}`;
    throw new MirrorError("SELECTION_INVALID", message, error.details, { cause: error });
  }
}

/** Where modules lie at the source: `/` for its root. */
function modulesPathOf({ modulesPathSuffix = "" }: SelectionFlags): string {
  if (modulesPathSuffix === "") return "modules";
  const path = modulesPathSuffix.split("/").filter(Boolean).join("/");
  if (path === "" || isRepositoryPath(path)) return path;
  throw new UsageError(`--modules-path-suffix ${modulesPathSuffix}: it is no path of a repository`);
}

function check(flags: SelectionFlags): void {
  const { packages, modules, includePackage, includeModule, onlyExtraImages } = flags;
  if (!packages && includePackage.length > 0)
    throw new UsageError("--no-packages and --include-package contradict each other");
  for (const kind of ["package", "module"] as const) {
    const [include, exclude] =
      kind === "package" ? [includePackage, flags.excludePackage] : [includeModule, flags.excludeModule];
    if (include.length > 0 && exclude.length > 0)
      throw new UsageError(`--include-${kind} and --exclude-${kind} exclude each other`);
  }
  if (!flags.proxyRegistry) return;
  if ((modules || onlyExtraImages) && includeModule.length === 0)
    throw new UsageError("--proxy-registry requires --include-module or --no-modules: a proxy lists no modules");
  for (const expression of [...includePackage, ...includeModule]) {
    if (expression.includes("@")) continue;
    const example = `"${expression.trim()}@^1.0.0"`;
    throw new UsageError(`--proxy-registry needs an explicit version constraint for ${expression}: write ${example}`);
  }
}
