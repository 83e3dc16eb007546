import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { onDiskIfAny } from "../../file-error.ts";
import { compareBytes } from "../../json.ts";
import type { VmConfigManifest } from "../vmconfig-manifest.ts";
import { defaultKind, osName, supportedArchs } from "../well-known.ts";
import type { ManagerContext } from "./manager-context.ts";
import type { ManifestSpot } from "./manifest-names.ts";

/** A machine whose manifest is cached. */
export interface CachedMachine {
  readonly kind: string;
  readonly arch: string;
  readonly spot: ManifestSpot<VmConfigManifest>;
}

/** All machines whose manifests are cached, by kind and architecture. @throws DepsError `FILE_FAILED` */
export async function cachedMachines({ paths, spots }: ManagerContext): Promise<readonly CachedMachine[]> {
  const folder = dirname(paths.vmConfigManifest(defaultKind, supportedArchs[0] ?? "").latest);
  const names = (await onDiskIfAny(folder, () => readdir(folder))) ?? [];
  const pattern = new RegExp(`^vmconfig_(.+)_${osName}_(${supportedArchs.join("|")})\\.json$`);
  return names.sort(compareBytes).flatMap((name) => {
    const [, kind, arch] = pattern.exec(name) ?? [];
    return kind === undefined || arch === undefined ? [] : [{ kind, arch, spot: spots.vmconfig(kind, arch) }];
  });
}
