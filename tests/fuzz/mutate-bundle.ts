import { digestOf } from "@tranship/registry";
import { repack, unpack } from "./archive-bytes.ts";
import type { FuzzBundle } from "./corpus.ts";
import { type Json, mutateJson } from "./mutate-json.ts";
import { mutateTar } from "./mutate-tar.ts";
import type { Choice } from "./random-choice.ts";

/** What of a bundle is mutated. */
export type MutationKind = "archive" | "index" | "manifest" | "lock" | "files";

/** A bundle after a mutation. */
export interface MutatedBundle {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly kind: MutationKind;
  /** What was done, for people. */
  readonly what: string;
  /** The bytes that were changed, where they can be read by themselves: of an archive, an index, a manifest or a lock. */
  readonly changed?: Uint8Array | undefined;
  /** Of a changed manifest. */
  readonly mediaType?: string | undefined;
}

const lockName = "tranship.lock.json";

/** Parsed once: most of a run's time would go into it. */
const unpackedArchives = new WeakMap<Uint8Array, Promise<ReadonlyMap<string, Uint8Array>>>();

const kinds: readonly MutationKind[] = [
  "archive",
  "archive",
  "archive",
  "archive",
  "index",
  "index",
  "manifest",
  "lock",
];

/** Mutates one thing of a bundle. */
export async function mutateBundle(bundle: FuzzBundle, choice: Choice): Promise<MutatedBundle> {
  const kind = choice.happens(0.05) ? "files" : choice.of(kinds);
  const whole = [...bundle.files.keys()].filter((name) => name.endsWith(".tar"));
  if (kind === "lock" && bundle.files.has(lockName)) return mutateLock(bundle, choice);
  if (kind === "index" && whole.length > 0) return await mutateIndex(bundle, choice.of(whole), choice);
  if (kind === "manifest" && whole.length > 0) return await mutateManifest(bundle, choice.of(whole), choice);
  return kind === "files" ? mutateFiles(bundle, choice) : mutateArchive(bundle, choice);
}

function mutateArchive({ files }: FuzzBundle, choice: Choice): MutatedBundle {
  const name = choice.of([...files.keys()].filter((file) => file !== lockName));
  const { bytes, what } = mutateTar(files.get(name) ?? new Uint8Array(), choice);
  const mutated = changed(files, { [name]: bytes });
  const archive = stemOf(name);
  const parts = [...mutated].flatMap(([file, part]) => (stemOf(file) === archive ? [part] : []));
  return { files: mutated, kind: "archive", what: `${name}: ${what}`, changed: Buffer.concat(parts) };
}

function mutateLock({ files }: FuzzBundle, choice: Choice): MutatedBundle {
  const { text, what } = mutateJson(parse(files.get(lockName)), choice);
  const bytes = Buffer.from(text);
  return { files: changed(files, { [lockName]: bytes }), kind: "lock", what: `${lockName}: ${what}`, changed: bytes };
}

async function mutateIndex({ files }: FuzzBundle, name: string, choice: Choice): Promise<MutatedBundle> {
  const entries = await unpacked(files, name);
  const indexes = [...entries.keys()].filter(isIndex);
  if (indexes.length === 0) return { files, kind: "index", what: "nothing" };
  const index = choice.of(indexes);
  const { text, what } = mutateJson(parse(entries.get(index)), choice);
  const bytes = Buffer.from(text);
  const archive = repack(changed(entries, { [index]: bytes }));
  return {
    files: withoutLock(files, { [name]: archive }, choice),
    kind: "index",
    what: `${index}: ${what}`,
    changed: bytes,
  };
}

interface Listed {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

/** A manifest that says something else, under its right digest, listed as before. */
async function mutateManifest({ files }: FuzzBundle, name: string, choice: Choice): Promise<MutatedBundle> {
  const entries = await unpacked(files, name);
  const listed = [...entries].flatMap(([entry, bytes]) => {
    if (!isIndex(entry)) return [];
    const { manifests } = JSON.parse(Buffer.from(bytes).toString()) as { readonly manifests: readonly Listed[] };
    return manifests.map((listed) => ({ folder: entry.slice(0, -"index.json".length), ...listed }));
  });
  if (listed.length === 0) return { files, kind: "manifest", what: "nothing" };
  const { folder, digest, size, mediaType } = choice.of(listed);
  const old = entries.get(blobName(folder, digest));
  if (!old) return { files, kind: "manifest", what: "nothing" };
  const { text, what } = mutateJson(parse(old), choice);
  const bytes = Buffer.from(text);
  const index = Buffer.from(entries.get(`${folder}index.json`) ?? []).toString();
  const pointing = index
    .replaceAll(digest, digestOf(bytes))
    .replaceAll(new RegExp(`("size": ?)${size}\\b`, "g"), `$1${bytes.byteLength}`);
  const archive = repack(
    changed(entries, { [blobName(folder, digestOf(bytes))]: bytes, [`${folder}index.json`]: Buffer.from(pointing) }),
  );
  return {
    files: withoutLock(files, { [name]: archive }, choice),
    kind: "manifest",
    what: `${digest}: ${what}`,
    changed: bytes,
    mediaType,
  };
}

/** What goes wrong with whole files: lost, renamed, mixed up, copied beside each other, joined by others. */
function mutateFiles({ files }: FuzzBundle, choice: Choice): MutatedBundle {
  const names = [...files.keys()];
  const [one, other] = [choice.of(names), choice.of(names)];
  const bytes = files.get(one) ?? new Uint8Array();
  const stem = stemOf(one);
  const fresh = choice.of([
    stem,
    `${stem}.0000.chunk`,
    `${stem}.0001.chunk`,
    `${stem}.0099.chunk`,
    `${stem}.00000.chunk`,
    `${stem}.999999999.chunk`,
    `${stem}.partial`,
    `module-${stem}`,
    "zzz.tar",
    lockName,
    "._x.tar",
    "note.txt",
  ]);
  const half = bytes.subarray(0, choice.below(bytes.byteLength + 1));
  const kinds: readonly (readonly [string, Readonly<Record<string, Uint8Array | undefined>>])[] = [
    [`without ${one}`, { [one]: undefined }],
    [`${one} under the name ${fresh}`, { [one]: undefined, [fresh]: bytes }],
    [`${one} also as ${fresh}`, { [fresh]: bytes }],
    [`${one} and ${other} swapped`, { [one]: files.get(other), [other]: bytes }],
    [`${one} empty`, { [one]: new Uint8Array() }],
    [`an empty ${fresh}`, { [fresh]: new Uint8Array() }],
    [`${one} cut into ${fresh}`, { [one]: half, [fresh]: bytes.subarray(half.byteLength) }],
    [`${one} longer`, { [one]: Buffer.concat([bytes, bytes]) }],
  ];
  const [what, changes] = choice.of(kinds);
  return { files: changed(files, changes), kind: "files", what };
}

function unpacked(files: FuzzBundle["files"], name: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const bytes = files.get(name) ?? new Uint8Array();
  const known = unpackedArchives.get(bytes) ?? unpack(bytes);
  unpackedArchives.set(bytes, known);
  return known;
}

/** Half of the time the lock goes: it would find every change of an archive. */
function withoutLock(
  files: FuzzBundle["files"],
  changes: Readonly<Record<string, Uint8Array>>,
  choice: Choice,
): ReadonlyMap<string, Uint8Array> {
  return changed(files, choice.happens(0.5) ? { ...changes, [lockName]: undefined } : changes);
}

function changed(
  files: ReadonlyMap<string, Uint8Array>,
  changes: Readonly<Record<string, Uint8Array | undefined>>,
): ReadonlyMap<string, Uint8Array> {
  const result = new Map(files);
  for (const [name, bytes] of Object.entries(changes)) {
    if (bytes) result.set(name, bytes);
    else result.delete(name);
  }
  return result;
}

/** The archive a file is, or is a chunk of. */
function stemOf(name: string): string {
  return name.replace(/\.[0-9]+\.chunk$/, "");
}

function isIndex(name: string): boolean {
  return /(?:^|\/)index\.json$/.test(name);
}

function blobName(folder: string, digest: string): string {
  return `${folder}blobs/${digest.replace(":", "/")}`;
}

function parse(bytes: Uint8Array | undefined): Json {
  return JSON.parse(Buffer.from(bytes ?? []).toString()) as Json;
}
