import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { childManifests, type Descriptor, type Digest, defaultMaxManifestBytes } from "@tranship/registry";
import { isMirrorError } from "../../errors.ts";
import { localIfAny } from "../../layout/atomic-file.ts";
import { compareText, maxIndexBytes, parseIndexFile } from "../../layout/index-file.ts";
import { isReal, readIndexFile } from "../../layout/layout-files.ts";
import type { ImageStore } from "./image-store.ts";
import type { KeptManifest, KeptManifests } from "./kept-manifests.ts";
import { bareEntry, type ListingRules, namedEntry, withKeepingTag, withListed, withNameMoved } from "./layout-names.ts";
import { localNameOf } from "./local-index.ts";

/** How many ends of entries are tried in a file that breaks off. */
const maxCuts = 64;

/**
 * Makes the list of a layout readable again where a program was killed while it wrote that: from the entries that can still
 * be read, and from the manifests that are there. Names that are lost come back as their images are brought again.
 * @throws MirrorError `FILE_FAILED`, `NO_SPACE`, `LAYOUT_INVALID` for links
 */
export async function repairIndex(
  store: ImageStore,
  repository: string,
  kept: KeptManifests,
  rules: ListingRules,
): Promise<void> {
  const { directory } = kept;
  if (await isReadable(kept)) return;
  await isReal(directory.path, directory.path); // a link is no damage
  const found = await manifestsOf(store, repository, kept);
  const known = new Set(found.map(({ descriptor }) => descriptor.digest));
  let entries: readonly Descriptor[] = (await salvagedEntries(join(directory.path, "index.json"))).filter(
    ({ digest }) => known.has(digest),
  );
  for (const { descriptor, content } of found) {
    const name = localNameOf(content);
    const isTaken = name === undefined || entries.some((entry) => rules.nameOf(entry) === name);
    if (!isTaken) entries = withNameMoved(entries, namedEntry(bareEntry(descriptor), name), name, rules);
  }
  const bare = await Promise.all(
    found.map(async ({ descriptor, content }) => bareEntry(descriptor, await kept.platformOf(content))),
  );
  if (rules.isSwept) entries = withAllKept(entries, bare, found, rules);
  await directory.restore(rules.isComplete ? withListed(entries, bare) : entries);
}

/** The list with a name for each manifest that none leads to: which of them had one to be kept by is lost. */
function withAllKept(
  entries: readonly Descriptor[],
  bare: readonly Descriptor[],
  found: readonly KeptManifest[],
  rules: ListingRules,
): readonly Descriptor[] {
  const below = new Set(found.flatMap(({ content }) => childManifests(content).map(({ digest }) => digest)));
  return bare
    .filter(({ digest }) => !below.has(digest))
    .reduce((kept, entry) => withKeepingTag(kept, entry, rules), entries);
}

async function isReadable({ directory }: KeptManifests): Promise<boolean> {
  try {
    await directory.index();
    if ((await readIndexFile(directory.path)) !== undefined) return true;
    return (await localIfAny(directory.path, () => stat(join(directory.path, "blobs")))) === undefined;
  } catch (error) {
    if (isMirrorError(error, "LAYOUT_INVALID")) return false;
    throw error;
  }
}

/** The manifests among the blobs, those written last first. */
async function manifestsOf(
  store: ImageStore,
  repository: string,
  kept: KeptManifests,
): Promise<readonly KeptManifest[]> {
  const found: { readonly manifest: KeptManifest; readonly writtenMs: number }[] = [];
  for (const digest of await store.blobsOf(repository)) {
    const manifest = await manifestIfAny(kept, digest);
    if (manifest !== undefined) found.push({ manifest, writtenMs: await writtenMs(kept, digest) });
  }
  found.sort(
    (a, b) => b.writtenMs - a.writtenMs || compareText(a.manifest.descriptor.digest, b.manifest.descriptor.digest),
  );
  return found.map(({ manifest }) => manifest);
}

async function manifestIfAny(kept: KeptManifests, digest: Digest): Promise<KeptManifest | undefined> {
  const size = await kept.directory.stat(digest);
  return size === undefined || size > defaultMaxManifestBytes ? undefined : await kept.read(digest);
}

async function writtenMs({ directory }: KeptManifests, digest: Digest): Promise<number> {
  const path = directory.fileOf(digest);
  return (await localIfAny(path, () => stat(path)))?.mtimeMs ?? 0;
}

/** The entries at the beginning of a list that breaks off. */
async function salvagedEntries(path: string): Promise<readonly Descriptor[]> {
  const text = await readText(path);
  let end = text.length;
  for (let cut = 0; cut < maxCuts; cut += 1) {
    end = text.lastIndexOf("}", end - 1);
    if (end < 0) break;
    for (const rest of ["", "]}"]) {
      try {
        return parseIndexFile(new TextEncoder().encode(text.slice(0, end + 1) + rest));
      } catch {} // not here, then
    }
  }
  return [];
}

async function readText(path: string): Promise<string> {
  const text = await localIfAny(path, async () => {
    const file = await open(path, "r");
    try {
      const found = await file.stat();
      return found.isFile() && found.size <= maxIndexBytes ? await file.readFile("utf8") : "";
    } finally {
      await file.close();
    }
  });
  return text ?? "";
}
