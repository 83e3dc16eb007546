import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { onDiskIfAny } from "../../file-error.ts";
import { compareBytes } from "../../json.ts";
import type { DepsItem } from "../../manifest.ts";
import type { PodplaneManifests } from "../podplane-items.ts";
import { defaultKind, supportedArchs } from "../well-known.ts";
import type { ManagerContext } from "./manager-context.ts";
import { readIfAny } from "./manifest-bytes.ts";
import type { ManifestFormat } from "./manifest-format.ts";
import { manifestRows } from "./manifest-rows.ts";

/** Copies of one manifest that are looked through, the newest first. */
const maxCopies = 10_000;

/** How copies are called: by a time and the first digits of a hash. */
const copyName = /[_-]\d{8}T\d{6}Z[_-][0-9a-f]{12}\.json$/;

/** What is noted as cached in the copies of manifests; those that cannot be read are passed over. */
export async function formerItems(context: ManagerContext, signal: AbortSignal | undefined): Promise<DepsItem[]> {
  const { spots } = context;
  const machine = spots.vmconfig(defaultKind, supportedArchs[0] ?? "");
  const found: DepsItem[] = [];
  const add = (manifests: PodplaneManifests) => {
    for (const { item, isMarked } of manifestRows(manifests, context)) if (isMarked && item) found.push(item);
  };
  await eachCopy(machine, signal, (manifest) => add({ vmconfigs: [{ manifest }] }));
  await eachCopy(spots.components, signal, (manifest) => add({ components: { manifest } }));
  await eachCopy(spots.templates, signal, (manifest, localFolder) => add({ templates: { manifest, localFolder } }));
  await eachCopy(spots.seeds, signal, (manifest, localFolder) => add({ seeds: { manifest, localFolder } }));
  return found;
}

async function eachCopy<Manifest>(
  { format, paths }: { readonly format: ManifestFormat<Manifest>; readonly paths: { readonly latest: string } },
  signal: AbortSignal | undefined,
  visit: (manifest: Manifest, folder: string) => void,
): Promise<void> {
  const folder = dirname(paths.latest);
  const names = (await onDiskIfAny(folder, () => readdir(folder))) ?? [];
  const copies = names.filter((name) => copyName.test(name)).sort(compareBytes);
  for (const name of copies.reverse().slice(0, maxCopies)) {
    signal?.throwIfAborted();
    const manifest = await readIfAny(join(folder, name), name)
      .then((copy) => copy && format.parse(copy.bytes, { keepMarkers: true }))
      .catch(() => undefined);
    if (manifest !== undefined) visit(manifest, folder);
  }
}
