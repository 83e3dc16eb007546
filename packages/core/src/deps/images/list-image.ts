import {
  childManifests,
  type Descriptor,
  type Digest,
  isIndexMediaType,
  isManifestMediaType,
  type Platform,
} from "@tranship/registry";
import type { KeptManifests } from "./kept-manifests.ts";
import { bareEntry, type ListingRules, namedEntry, withKeepingTag, withListed, withNameMoved } from "./layout-names.ts";
import { extendedIndex, localNameOf } from "./local-index.ts";
import { leadsTo } from "./name-leads-to.ts";
import { isSamePlatform } from "./platforms.ts";

/** An image that is there with all it leads to, and how it is to be found. */
export interface ArrivedImage {
  /** All its manifests. */
  readonly manifests: readonly Descriptor[];
  /** What it is; says which of its manifests are left out. */
  readonly root: Descriptor;
  /** The index it is published in, if that is kept. */
  readonly index?: Descriptor | undefined;
  readonly names: readonly string[];
  /** What the item says it is for. */
  readonly platform?: Platform | undefined;
  /** Whether names lead straight to it, never to an index of ours. */
  readonly isAlone: boolean;
}

/** Lists what has arrived. Call it for one image of a layout at a time. @throws MirrorError `FILE_FAILED`, `NO_SPACE` */
export async function listImage(image: ArrivedImage, kept: KeptManifests, rules: ListingRules): Promise<void> {
  const { root, index, names } = image;
  const { directory } = kept;
  const listed = (await directory.index())?.descriptors ?? [];
  const own = await ownEntries(image, kept);
  const before = await corrected(listed, { names, own: own.bare }, kept, rules);
  let entries = rules.isComplete ? withListed(before, own.bare) : before;
  const superseded = new Set<Digest>();
  for (const name of names) {
    const current = entries.find((entry) => rules.nameOf(entry) === name);
    const target = await targetOf(name, current, image, own.root, kept);
    const claims = entries.filter((entry) => rules.nameOf(entry) === name);
    if (target === current && claims.length === 1) continue;
    const isSame = current?.digest === target.digest;
    if (current !== undefined && !isSame && (await isLocal(current, name, kept))) superseded.add(current.digest);
    const annotations = isSame ? { ...current.annotations, ...target.annotations } : target.annotations;
    entries = withNameMoved(entries, namedEntry({ ...target, annotations }, name), name, rules);
  }
  if (names.length === 0) {
    const unnamed = index ?? own.root;
    if (rules.isSwept) entries = withKeepingTag(entries, unnamed, rules);
    else entries = withListed(entries, [unnamed]);
  }
  const isInIndex = index !== undefined && (await listsImage(index, root.digest, kept));
  if (index !== undefined && !isInIndex) {
    entries = rules.isSwept ? withKeepingTag(entries, own.root, rules) : withListed(entries, [own.root]);
  }
  const gone = [...superseded].filter(
    (digest) => !entries.some((entry) => entry.digest === digest && rules.nameOf(entry)),
  );
  const after = entries.filter(({ digest }) => !gone.includes(digest));
  await directory.change(({ descriptors }) => (isEqual(descriptors, after) ? descriptors : after));
  for (const digest of gone) await directory.removeBlob(digest); // last: a listed manifest has its file
}

/** The list with what is wrong in the entries of an image, such as after a fault of the disk, put right. */
async function corrected(
  entries: readonly Descriptor[],
  { names, own }: { readonly names: readonly string[]; readonly own: readonly Descriptor[] },
  kept: KeptManifests,
  rules: ListingRules,
): Promise<readonly Descriptor[]> {
  const digests = new Set(own.map(({ digest }) => digest));
  return await Promise.all(
    entries.map(async (entry) => {
      if (!digests.has(entry.digest) && !names.includes(rules.nameOf(entry) ?? "")) return entry;
      const there = await kept.read(entry.digest);
      if (there === undefined) return entry;
      const { mediaType, size } = there.descriptor;
      const isTrue = isManifestMediaType(entry.mediaType) && entry.size === size;
      return isTrue ? entry : { ...entry, mediaType, size };
    }),
  );
}

interface OwnEntries {
  readonly root: Descriptor;
  /** Of all its manifests, and of those that are here of the index it is published in. */
  readonly bare: readonly Descriptor[];
}

async function ownEntries(
  { manifests, root, index, platform }: ArrivedImage,
  kept: KeptManifests,
): Promise<OwnEntries> {
  const platforms = new Map<Digest, Platform>();
  const bare: Descriptor[] = [];
  const published = index === undefined ? [] : await childrenOf(index, kept);
  for (const child of published) if (child.platform !== undefined) platforms.set(child.digest, child.platform);
  for (const descriptor of manifests) {
    for (const child of await childrenOf(descriptor, kept)) {
      if (child.platform !== undefined) platforms.set(child.digest, child.platform);
    }
  }
  for (const descriptor of manifests) {
    const told = descriptor.digest === root.digest ? platform : undefined;
    bare.push(
      bareEntry(descriptor, told ?? platforms.get(descriptor.digest) ?? (await configPlatform(descriptor, kept))),
    );
  }
  for (const child of published) {
    if (bare.some(({ digest }) => digest === child.digest)) continue;
    if ((await kept.wholeness(child.digest)).presence === "present") bare.push(bareEntry(child, child.platform));
  }
  if (index !== undefined) bare.push(index);
  const own = bare.find(({ digest }) => digest === root.digest) ?? bareEntry(root);
  const { annotations } = root;
  return { root: annotations === undefined ? own : { ...own, annotations }, bare };
}

/** What a name is to lead to. */
async function targetOf(
  name: string,
  current: Descriptor | undefined,
  { root, index, platform, isAlone }: ArrivedImage,
  own: Descriptor,
  kept: KeptManifests,
): Promise<Descriptor> {
  if (index !== undefined) return index;
  if (isAlone || isIndexMediaType(root.mediaType)) return own;
  if (current === undefined) return platform === undefined ? own : await local(name, [], own, kept);
  if ((await leadsTo(current, { digest: root.digest, platform }, kept)) === "present") return current;
  const there = await kept.read(current.digest);
  if (there?.content.kind === "index")
    return await local(name, await present(there.content.manifests, kept), own, kept);
  if (there === undefined) return platform === undefined ? own : await local(name, [], own, kept);
  const other = bareEntry(current, current.platform ?? (await kept.platformOf(there.content)));
  const isBeside = other.platform !== undefined && own.platform !== undefined;
  if (platform === undefined && !(isBeside && !isSamePlatform(other.platform, own.platform))) return own;
  return await local(name, [other], own, kept);
}

/** An index of ours, stored. */
async function local(
  name: string,
  before: readonly Descriptor[],
  own: Descriptor,
  kept: KeptManifests,
): Promise<Descriptor> {
  const { descriptor, bytes } = extendedIndex(name, before, own);
  await kept.store({ descriptor, bytes });
  return descriptor;
}

async function present(entries: readonly Descriptor[], kept: KeptManifests): Promise<readonly Descriptor[]> {
  const found = await Promise.all(
    entries.map(async ({ digest, size }) => (await kept.check({ digest, size })) === "present"),
  );
  return entries.filter((_, at) => found[at]);
}

async function listsImage(index: Descriptor, digest: Digest, kept: KeptManifests): Promise<boolean> {
  return (await childrenOf(index, kept)).some((child) => child.digest === digest);
}

async function childrenOf({ digest, mediaType }: Descriptor, kept: KeptManifests): Promise<readonly Descriptor[]> {
  if (!isIndexMediaType(mediaType)) return [];
  const manifest = await kept.read(digest);
  return manifest === undefined ? [] : childManifests(manifest.content);
}

async function configPlatform({ digest, mediaType }: Descriptor, kept: KeptManifests): Promise<Platform | undefined> {
  if (isIndexMediaType(mediaType)) return undefined;
  const manifest = await kept.read(digest);
  return manifest && (await kept.platformOf(manifest.content));
}

async function isLocal(entry: Descriptor, name: string, kept: KeptManifests): Promise<boolean> {
  const manifest = await kept.read(entry.digest);
  return manifest !== undefined && localNameOf(manifest.content) === name;
}

function isEqual(a: readonly Descriptor[], b: readonly Descriptor[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
