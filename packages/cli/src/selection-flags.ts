import {
  type AttachedKinds,
  attachedKinds,
  type CatalogServiceOptions,
  ModulesService,
  PackagesService,
} from "@tranship/core";
import type { RegistryReader } from "@tranship/registry";
import { type Command, Option } from "commander";
import { accessTimeoutMsOf, type FailureFlags } from "./failure-flags.ts";
import { collect } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** Flags that say what to mirror. */
export interface SelectionFlags extends FailureFlags {
  readonly packages: boolean;
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
}

/** A service of the command line: one catalog of the source. */
export type CatalogPlanner = PackagesService | ModulesService;

/** Adds the flags of {@link SelectionFlags}. */
export function withSelectionFlags(command: Command): Command {
  const expression = "name, name@=TAG or name@RANGE such as 'name@>=1.3 <2'; repeatable";
  return command
    .option("--include-package <name>", `only these packages: ${expression}`, collect, [])
    .option("--exclude-package <name>", "all packages but these; repeatable", collect, [])
    .option("--no-packages", "leave the packages out; package-versions.tar is still brought")
    .option("-i, --include-module <name>", `only these modules: ${expression}`, collect, [])
    .option("-e, --exclude-module <name>", "all modules but these; repeatable", collect, [])
    .option("--no-modules", "leave the modules out")
    .option("--modules-path-suffix <path>", "where the source keeps its modules; / for its root", "/modules")
    .option("--only-extra-images", "nothing but the extra images that packages and modules list")
    .option("--proxy-registry", "the source cannot list tags: ask for one version after another")
    .addOption(
      new Option("--referrers <kinds>", "what to bring of attestations, signatures and the like").choices(
        attachedKinds,
      ),
    )
    .option("--skip-vex-images", "bring no statements about vulnerabilities: --referrers all-but-vex")
    .option(
      "--platform <os/arch>",
      "of images for several platforms only this one, such as linux/arm64; repeatable",
      collect,
      [],
    );
}

/** What the flags ask for, catalog by catalog. @throws UsageError, MirrorError `SELECTION_INVALID` */
export function servicesFor(source: RegistryReader, flags: SelectionFlags): readonly CatalogPlanner[] {
  check(flags);
  const { onlyExtraImages = false, proxyRegistry: proxy = false, modulesPathSuffix = "" } = flags;
  const attached = flags.referrers ?? (flags.skipVexImages ? "all-but-vex" : "all");
  const shared = {
    source,
    attached,
    platforms: flags.platform,
    onlyExtraImages,
    proxy,
    accessTimeoutMs: accessTimeoutMsOf(flags),
  } satisfies Partial<CatalogServiceOptions>;
  const services: CatalogPlanner[] = [];
  // The packages of a proxy are those that are named; without names there is nothing to ask it for.
  const hasPackages = !proxy || flags.includePackage.length > 0;
  if (hasPackages) {
    services.push(
      new PackagesService({
        ...shared,
        include: flags.includePackage,
        exclude: flags.excludePackage,
        metadataOnly: !flags.packages && !onlyExtraImages,
      }),
    );
  }
  const wantsModules = flags.modules || flags.includeModule.length > 0 || onlyExtraImages;
  if (wantsModules) {
    services.push(
      new ModulesService({
        ...shared,
        include: flags.includeModule,
        exclude: flags.excludeModule,
        sourcePath: modulesPathSuffix === "" ? "modules" : modulesPathSuffix.replace(/^\/+|\/+$/g, ""),
      }),
    );
  }
  if (services.length === 0) throw new UsageError("nothing to do: every component is left out");
  return services;
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
  if (flags.skipVexImages && (flags.referrers === "vex" || flags.referrers === "all"))
    throw new UsageError(`--skip-vex-images and --referrers ${flags.referrers} contradict each other`);
  if (!flags.proxyRegistry) return;
  if ((modules || onlyExtraImages) && includeModule.length === 0)
    throw new UsageError("--proxy-registry requires --include-module or --no-modules: a proxy lists no modules");
  for (const expression of [...includePackage, ...includeModule]) {
    if (expression.includes("@")) continue;
    const example = `"${expression.trim()}@^1.0.0"`;
    throw new UsageError(`--proxy-registry needs an explicit version constraint for ${expression}: write ${example}`);
  }
}
