import { readFile } from "node:fs/promises";
import {
  chooseNames,
  type DepsAccess,
  DepsCache,
  defaultKind,
  type ManifestTrust,
  type OnDepsEvent,
  PodplaneDeps,
  parseArchs,
  parseItemDigest,
  podplaneProfiles,
} from "@tranship/core/deps";
import type { CliContext } from "../context.ts";
import { fileReason } from "../file-reason.ts";
import type { DepsFlags } from "../flags/deps-flags.ts";
import { UsageError } from "../usage-error.ts";
import { podplaneSettings, type RunSettings } from "./cache-settings.ts";
import type { CacheWork } from "./cache-work.ts";

/** A cache that is filled from podplane's manifests. @throws UsageError; DepsError `ARCH_UNSUPPORTED` */
export async function podplaneWork(
  folder: string,
  flags: DepsFlags,
  settings: RunSettings,
  { context, access, onEvent }: { context: CliContext; access: DepsAccess; onEvent: OnDepsEvent },
): Promise<CacheWork> {
  const configured = podplaneSettings(context);
  const archs = parseArchs(flags.arch, configured.arch);
  const { baseUrl = configured.baseUrl, kind = defaultKind } = flags;
  const deps = new PodplaneDeps({ cacheDir: folder, access, baseUrl, trust: await trustOf(flags) });
  const { concurrency, lock, lockTimeoutMs } = settings;
  const calling = { signal: context.signal, onEvent, offline: flags.offline, lock, lockTimeoutMs };
  const { root, registry } = deps.paths;
  const opening = { also: registry.startsWith(root) ? [] : [registry], lock, lockTimeoutMs, onEvent };
  const request = {
    ...calling,
    kind,
    arch: archs[0] ?? configured.arch,
    archs,
    providers: flags.providers,
    addons: addonsOf(flags),
    skipCrossArchDependencies: flags.skipCrossArch,
    skipSeeds: flags.skipSeeds,
    skipComponentsGit: flags.skipComponentsGit,
    manifests: pathsOf(flags),
    isDeep: flags.deep,
    concurrency,
    keepGoing: flags.keepGoing,
  };
  return {
    folder: root,
    plan: async () => await deps.download({ ...request, dryRun: true }),
    download: async () => {
      const { manifests, report } = await deps.download(request);
      if (report === undefined) throw new TypeError("only a dry run has no report");
      return { manifests, report };
    },
    status: async () => {
      const found = [];
      for (const arch of archs) {
        const { vmconfig, components, templates, seeds } = await deps.status(kind, arch, calling);
        found.push({ name: `vmconfig ${kind} ${arch}`, ...vmconfig });
        if (arch !== archs.at(-1)) continue;
        found.push({ name: "components", ...components }, { name: "templates", ...templates });
        found.push({ name: "seeds", ...seeds });
      }
      return found;
    },
    open: (how) => DepsCache.open(root, { ...opening, readOnly: how === "read", signal: context.signal }),
    items: () =>
      deps.cachedItems({
        kinds: flags.kind,
        archs: flags.arch === undefined ? undefined : archs,
        signal: context.signal,
      }),
    former: () => deps.formerItems({ signal: context.signal }),
    store: registry,
  };
}

/** The recommended addons and those that are asked for. */
function addonsOf({ addons, recommendedAddons }: DepsFlags): readonly string[] {
  const asked = addons === undefined ? [] : [addons];
  const all = recommendedAddons ? [...podplaneProfiles["v0.8"].recommendedAddons, ...asked] : asked;
  const { values } = chooseNames(all);
  return values === "all" ? ["all"] : values;
}

function pathsOf({ vmconfig, components, templates, seeds }: DepsFlags) {
  return { vmconfig, components, templates, seeds };
}

/** What makes fetched manifests worth believing. @throws UsageError */
async function trustOf({ pin, publicKey, allowDowngrade }: DepsFlags): Promise<ManifestTrust> {
  const publicKeys = await Promise.all(publicKey.map(readKey));
  return {
    pins: Object.fromEntries(pin.map(parsePin)),
    allowDowngrade,
    ...(publicKeys.length === 0 ? {} : { signature: { publicKeys } }),
  };
}

async function readKey(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new UsageError(`--public-key: cannot read ${file}: ${fileReason(cause)}`, { cause });
  }
  if (text.includes("-----BEGIN PUBLIC KEY-----")) return text;
  throw new UsageError(`--public-key: ${file} has no public key in PEM: it begins with -----BEGIN PUBLIC KEY-----`);
}

/** Reads `NAME=DIGEST`. @throws UsageError */
export function parsePin(text: string): readonly [name: string, digest: ReturnType<typeof parseItemDigest>] {
  const [, name = "", digest = ""] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  try {
    if (name !== "") return [name, parseItemDigest(digest, name)];
  } catch (cause) {
    throw new UsageError(`--pin ${text.slice(0, 300)}: ${(cause as Error).message}`, { cause });
  }
  throw new UsageError(
    `--pin ${text.slice(0, 300)}: write it as NAME=DIGEST, such as components=sha256:…, or archive=sha256:… of an import`,
  );
}
