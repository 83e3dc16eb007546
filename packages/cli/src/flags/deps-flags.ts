import { type Command, Option } from "commander";
import { withConfigFlags } from "../config/config-flags.ts";
import type { RegistryFlags } from "../context.ts";
import { UsageError } from "../usage-error.ts";
import { withConnectionFlags, withMirrorFlag } from "./connection-flags.ts";
import { repeatable } from "./repeatable.ts";
import { type ServerFlags, withServerFlags } from "./server-flags.ts";

/** What `tranship deps` can do, in the order it is done. */
export const depsActions = ["plan", "download", "verify", "status", "prune", "export", "import", "serve"] as const;

/** One of {@link depsActions}. */
export type DepsAction = (typeof depsActions)[number];

/** Flags of `tranship deps`. */
export interface DepsFlags extends RegistryFlags, ServerFlags {
  readonly manifest?: string;
  readonly preset?: "podplane";
  readonly select: readonly string[];
  readonly baseUrl?: string;
  readonly kind?: string;
  readonly arch?: string;
  readonly providers?: string;
  readonly addons?: string;
  readonly recommendedAddons: boolean;
  readonly vmconfig?: string;
  readonly components?: string;
  readonly templates?: string;
  readonly seeds?: string;
  readonly skipSeeds?: boolean;
  readonly skipComponentsGit?: boolean;
  readonly skipCrossArch?: boolean;
  readonly cache?: string;
  readonly offline?: boolean;
  readonly deep?: boolean;
  readonly dryRun?: boolean;
  readonly keepGoing?: boolean;
  readonly concurrency?: string;
  readonly lockTimeout?: string;
  readonly wait: boolean;
  readonly pin: readonly string[];
  readonly publicKey: readonly string[];
  readonly allowDowngrade?: boolean;
  readonly allowHost: readonly string[];
  readonly yes?: boolean;
  readonly keepHistory?: string;
  readonly listen: string;
}

/** Adds the flags of {@link DepsFlags}. */
export function withDepsFlags(command: Command): Command {
  const what = command
    .optionsGroup("What is depended on:")
    .option("--manifest <file>", "a manifest in JSON or YAML; - for standard input")
    .addOption(new Option("--preset <name>", "the manifests and the cache of this product").choices(["podplane"]))
    .addOption(
      repeatable("--select <axis=value>", "of --manifest: only what is for this, such as arch=arm64 or os=debian,any"),
    );
  const podplane = what
    .optionsGroup("Of --preset podplane:")
    .option(
      "--base-url <url>",
      "where its manifests are; says the preset too (default: $PODPLANE_DEPS_URL, or its own)",
    )
    .option("--kind <name>", "the kind of machine (default: knc)")
    .option("--arch <list>", "architectures, e.g. amd64,arm64 (default: $PODPLANE_ARCH, or this machine's)")
    .option("--providers <list>", "cloud providers, or all (default: none)")
    .option("--addons <list>", "addons beside the recommended ones, or all")
    .option("--no-recommended-addons", "only the addons of --addons")
    .option("--vmconfig <file>", "a local vmconfig manifest, of one architecture")
    .option("--components <file>", "a local components manifest")
    .option("--templates <file>", "a local templates manifest")
    .option("--seeds <file>", "a local seeds manifest")
    .option("--skip-seeds", "without seeds")
    .option("--skip-components-git", "without the git repository of the components")
    .option("--skip-cross-arch", "only what machines of these architectures need: no components, templates and seeds");
  const cache = podplane
    .optionsGroup("The cache:")
    .option("--cache <folder>", "where it is (default: with the preset, $PODPLANE_DEPS_CACHE_DIR or podplane's own)")
    .option("--offline", "ask nobody: use what is there")
    .option("--deep", "read and hash every byte that is there, whatever is known of it")
    .option("--dry-run", "of download: the same as plan")
    .option("--keep-going", "of download: finish everything else when something fails, and end with exit code 3")
    .option("--concurrency <n>", "files and blobs under way at once (default: 4)")
    .option(
      "--lock-timeout <duration>",
      "how long to wait for another run that changes it, e.g. 30s (default: for ever)",
    )
    .option("--no-wait", "fail at once where another run changes it")
    .option("--keep-history <n>", "of prune: how many earlier copies of each manifest stay (default: 5)")
    .option("--yes", "of prune: remove what it would only list otherwise");
  const serving = cache
    .optionsGroup("Of serve:")
    .option(
      "--listen <host:port>",
      "the address; :PORT for all of this machine's, port 0 for a free one",
      "127.0.0.1:8080",
    );
  const trust = withServerFlags(serving)
    .optionsGroup("What is believed:")
    .addOption(
      repeatable(
        "--pin <name=digest>",
        "the digest a fetched manifest must have, such as components=sha256:…; of import, archive=sha256:…",
      ),
    )
    .addOption(repeatable("--public-key <file>", "take fetched manifests only with a signature of this key, PEM"))
    .option("--allow-downgrade", "with --public-key: take manifests that are older than those that were there before")
    .addOption(repeatable("--allow-host <host>", "fetch from this host only, such as example.org or *.example.org"));
  const access = trust
    .optionsGroup("Access to registries:")
    .option("--insecure", "allow plain HTTP to registries that are not this machine")
    .option("--ca <file>", "trust the certificates in this PEM file too");
  return withConfigFlags(withMirrorFlag(withConnectionFlags(access)));
}

const manifests: readonly DepsAction[] = ["plan", "download", "verify", "status", "prune", "export"];
const asking: readonly DepsAction[] = ["plan", "download", "status"];
const choosing: readonly DepsAction[] = ["plan", "download"];

/** Which actions take a flag, where not all do. */
const actionsOf: Readonly<Partial<Record<keyof DepsFlags, readonly DepsAction[]>>> = {
  manifest: manifests,
  select: ["plan", "download", "verify", "prune", "export"],
  kind: ["plan", "download", "verify", "status", "export"],
  arch: ["plan", "download", "verify", "status", "export"],
  baseUrl: ["plan", "download", "status"],
  providers: choosing,
  addons: choosing,
  recommendedAddons: choosing,
  vmconfig: choosing,
  components: choosing,
  templates: choosing,
  seeds: choosing,
  skipSeeds: choosing,
  skipComponentsGit: choosing,
  skipCrossArch: choosing,
  offline: asking,
  deep: ["plan", "download", "verify", "import"],
  dryRun: ["download"],
  keepGoing: ["download"],
  concurrency: ["download", "verify"],
  keepHistory: ["prune"],
  yes: ["prune"],
  listen: ["serve"],
  login: ["serve"],
  passwordStdin: ["serve"],
  tlsCert: ["serve"],
  tlsKey: ["serve"],
  pin: [...asking, "import"],
  publicKey: asking,
  allowDowngrade: asking,
  allowHost: asking,
  lockTimeout: ["download", "prune", "import"],
  wait: ["download", "prune", "import"],
};

/** Flags that only one of the two kinds of manifests has. */
const ofPreset: readonly (keyof DepsFlags)[] = [
  "baseUrl",
  "kind",
  "arch",
  "providers",
  "addons",
  "recommendedAddons",
  "vmconfig",
  "components",
  "templates",
  "seeds",
  "skipSeeds",
  "skipComponentsGit",
  "skipCrossArch",
  "pin",
  "publicKey",
  "allowDowngrade",
];

/**
 * Makes sure that no flag is given that would do nothing.
 * @throws UsageError
 */
export function checkDepsFlags(command: Command, action: DepsAction, flags: DepsFlags): void {
  const given = command.options.filter((one) => command.getOptionValueSource(one.attributeName()) === "cli");
  for (const option of given) {
    const name = option.attributeName() as keyof DepsFlags;
    const takers = actionsOf[name];
    if (takers !== undefined && !takers.includes(action))
      throw new UsageError(`${option.long} is not of deps ${action}, but of deps ${takers.join(", ")}`);
    if (flags.manifest !== undefined && ofPreset.includes(name))
      throw new UsageError(`${option.long} is of --preset podplane, and not of --manifest`);
  }
  const { manifest, preset, select, wait, lockTimeout, vmconfig, skipCrossArch } = flags;
  if (manifest !== undefined && preset !== undefined)
    throw new UsageError("--manifest and --preset contradict each other: give one of them");
  if (manifest === undefined && select.length > 0)
    throw new UsageError("--select is of --manifest; the preset has --arch, --providers and --addons");
  if (!wait && lockTimeout !== undefined) throw new UsageError("--no-wait and --lock-timeout contradict each other");
  if (vmconfig !== undefined && (flags.arch ?? "").includes(","))
    throw new UsageError("--vmconfig is the manifest of one architecture: give one --arch with it");
  const crossArch = ["components", "templates", "seeds"].find((name) => flags[name as keyof DepsFlags] !== undefined);
  if (skipCrossArch && crossArch !== undefined)
    throw new UsageError(`--skip-cross-arch and --${crossArch} contradict each other`);
}
