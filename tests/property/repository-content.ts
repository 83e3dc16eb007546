import { copyGraph, graphOf } from "@tranship/core";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  type RepositoryReader,
  type RepositoryWriter,
} from "@tranship/registry";

/** Everything a repository can be asked for, as text that two of them can be compared by. */
export interface Content {
  /** Tags and the digests they name. */
  readonly tags: Readonly<Record<string, string>>;
  /** Of every manifest that can be reached from a tag or a referrer: type, size and the digest of its bytes. */
  readonly manifests: Readonly<Record<string, string>>;
  /** Of every blob those need: size and the digest of its bytes. */
  readonly blobs: Readonly<Record<string, string>>;
  /** Of every manifest: what refers to it, with its type. */
  readonly referrers: Readonly<Record<string, readonly string[]>>;
}

/** Where a registry without the referrers API has its lists kept: nothing of its content. */
const fallbackTag = /^sha(?:256|512)-[0-9a-f]{64}$/;

/** Reads a repository whole, but for what its indexes go `without`, trusting nothing it says about itself. */
export async function contentOf(repository: RepositoryReader, without?: ReadonlySet<Digest>): Promise<Content> {
  const content = { tags: {}, manifests: {}, blobs: {}, referrers: {} } as Mutable<Content>;
  const tags: string[] = [];
  for await (const tag of repository.tags()) if (!fallbackTag.test(tag)) tags.push(tag);
  for (const tag of tags.sort()) {
    const descriptor = await repository.resolve(tag);
    if (!descriptor) throw new Error(`${tag} is listed and cannot be resolved`);
    content.tags[tag] = descriptor.digest;
    await readInto(content, repository, descriptor, without);
  }
  return content;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: { -readonly [Inner in keyof Type[Key]]: Type[Key][Inner] } };

async function readInto(
  content: Mutable<Content>,
  repository: RepositoryReader,
  root: Descriptor,
  without?: ReadonlySet<Digest>,
): Promise<void> {
  const { manifests, blobs } = await graphOf(repository, root, { without });
  for (const { descriptor, bytes } of manifests) {
    const { digest, mediaType } = descriptor;
    if (content.manifests[digest] !== undefined) continue;
    content.manifests[digest] = `${mediaType} ${bytes.byteLength} ${digestOf(bytes, digestAlgorithm(digest))}`;
    const referrers = await referrersOf(repository, digest);
    content.referrers[digest] = referrers.map((referrer) => `${referrer.digest} ${referrer.artifactType}`).sort();
    for (const referrer of referrers) await readInto(content, repository, referrer, without);
  }
  for (const blob of blobs) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of repository.fetchBlob(blob)) chunks.push(new Uint8Array(chunk));
    const bytes = Buffer.concat(chunks);
    content.blobs[blob.digest] = `${bytes.byteLength} ${digestOf(bytes, digestAlgorithm(blob.digest))}`;
  }
}

/** Copies all that has a tag, and all that refers to something copied. */
export async function copyRepository(
  from: RepositoryReader,
  to: RepositoryReader & RepositoryWriter,
  signal: AbortSignal,
): Promise<void> {
  const done = new Set<Digest>();
  const copy = async (root: Descriptor, tag?: string): Promise<void> => {
    await copyGraph(from, to, root, { signal, ...(tag === undefined ? {} : { tags: [tag] }) });
    for (const { descriptor } of (await graphOf(from, root, { signal })).manifests) {
      if (done.has(descriptor.digest)) continue;
      done.add(descriptor.digest);
      for (const referrer of await referrersOf(from, descriptor.digest, signal)) await copy(referrer);
    }
  };
  for await (const tag of from.tags({ signal })) {
    const root = fallbackTag.test(tag) ? undefined : await from.resolve(tag, { signal });
    if (root) await copy(root, tag);
  }
}

async function referrersOf(repository: RepositoryReader, subject: Digest, signal?: AbortSignal): Promise<Descriptor[]> {
  const referrers: Descriptor[] = [];
  for await (const referrer of repository.referrers(subject, { signal })) referrers.push(referrer);
  return referrers;
}
