import {
  type CallOptions,
  type Digest,
  isDigest,
  isRegistryError,
  isRepositoryPath,
  isTag,
  type RegistryReader,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import { Bundle } from "../../bundle/bundle.ts";
import { refNameOf } from "../../layout/index-file.ts";
import { LayoutDirectory } from "../../layout/layout-directory.ts";
import { layoutTagOf } from "../../layout/layout-entry.ts";
import { LayoutRegistry } from "../../layout/layout-registry.ts";
import { splitRefName } from "../../layout/ref-name.ts";
import { hostPath } from "../../services/images/images-paths.ts";
import { DockerArchive } from "./archive/docker-archive.ts";
import { fullNameOf, imageNotFound, type OpenedImage } from "./opened-image.ts";
import { sourceError } from "./source-error.ts";

/** A place on this machine that has images. */
export interface SourcePlace {
  /** A bundle; a folder that is an image layout, or has them below it; an archive such as `docker save` writes. */
  readonly kind: "bundle" | "oci" | "docker-archive";
  readonly path: string;
}

/** An image in a place on this machine, ready to become part of a {@link SourceSpec}. Dispose of it when all is read. */
export interface OpenedSource extends AsyncDisposable {
  readonly spec: OpenedImage;
}

/**
 * Finds an image in a place on this machine. In a bundle and a folder of layouts it is called by its path, such as
 * `packages/console:v1.45.2`, in a bundle also by the reference it was pulled by, such as `alpine:3.20`; in a layout by its tag or whole `ref.name`; in an archive by its name; everywhere by its
 * digest too. Where there is only one image, it need not be named.
 * @throws RootfsError `IMAGE_NOT_FOUND`, `IMAGE_INVALID`, `SOURCE_FAILED`, `FILE_FAILED`
 */
export async function openSource(
  place: SourcePlace,
  reference: string | undefined,
  { signal }: CallOptions = {},
): Promise<OpenedSource> {
  signal?.throwIfAborted();
  try {
    return await openers[place.kind](place.path, reference, signal);
  } catch (error) {
    throw sourceError(error, "read", `${place.kind}:${place.path}`, signal);
  }
}

type Opener = (path: string, reference: string | undefined, signal: AbortSignal | undefined) => Promise<OpenedSource>;

const openers: Readonly<Record<SourcePlace["kind"], Opener>> = {
  bundle: async (path, reference, signal) => {
    return await holding(await Bundle.open(path, { signal }), async (bundle) => {
      const found = await findByPath(bundle, reference, signal);
      return found ?? (await findByName(bundle, reference, signal)) ?? (await nothingFound(bundle, reference, signal));
    });
  },
  oci: async (path, reference, signal) => {
    const registry = await LayoutRegistry.open(path, { readOnly: true });
    const found = (await findInLayout(registry, reference)) ?? (await findByPath(registry, reference, signal));
    const spec = found ?? (await nothingFound(registry, reference, signal));
    return { spec, [Symbol.asyncDispose]: async () => {} };
  },
  "docker-archive": async (path, reference, signal) => {
    return await holding(await DockerArchive.open(path, { signal }), (archive) => archive.image(reference, { signal }));
  },
};

/** Keeps what has to stay open for the image, unless there is none. */
async function holding<Home extends AsyncDisposable>(
  home: Home,
  find: (home: Home) => Promise<OpenedImage>,
): Promise<OpenedSource> {
  try {
    return { spec: await find(home), [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() };
  } catch (error) {
    await home[Symbol.asyncDispose]();
    throw error;
  }
}

/** In the layout the folder itself is. */
async function findInLayout(registry: LayoutRegistry, reference: string | undefined): Promise<OpenedImage | undefined> {
  const { descriptors = [] } = (await LayoutDirectory.at(registry.path).index()) ?? {};
  const wanted = reference?.startsWith("@") ? reference.slice(1) : reference;
  const repository = registry.repository("");
  if (wanted !== undefined && isDigest(wanted)) {
    const found = descriptors.length > 0 ? await repository.resolve(wanted) : undefined;
    return found && { imageRef: `${repository.name}@${wanted}`, repository, reference: wanted };
  }
  const matching = descriptors.filter(
    (entry) => wanted === undefined || [layoutTagOf(entry), refNameOf(entry)].includes(wanted),
  );
  const last = matching.at(-1);
  if (!last || (wanted === undefined && matching.some(({ digest }) => digest !== last.digest))) return undefined;
  const name = refNameOf(last) ?? last.digest;
  const { name: own } = splitRefName(name);
  const imageRef = own === "" || isDigest(name) ? `${repository.name}@${last.digest}` : name;
  return { imageRef, repository, reference: last.digest };
}

/** In the repository of a path, or of a digest in any. */
async function findByPath(
  registry: RegistryReader,
  reference: string | undefined,
  signal: AbortSignal | undefined,
): Promise<OpenedImage | undefined> {
  const named = reference ?? (await onlyName(registry, signal));
  if (named === undefined) return undefined;
  for (const [path, reading] of await readingsOf(registry, named, signal)) {
    if (path !== "" && !isRepositoryPath(path)) continue;
    const repository = registry.repository(path);
    const wanted = reading ?? (await onlyTag(repository, signal)) ?? "latest";
    const found = isDigest(wanted) || isTag(wanted) ? await repository.resolve(wanted, { signal }) : undefined;
    if (found) return { imageRef: `${path || registry.name}@${found.digest}`, repository, reference: found.digest };
  }
  return undefined;
}

/** By the reference it was pulled by: `alpine:3.20` is at `docker.io/library/alpine`. */
async function findByName(
  bundle: RegistryReader,
  reference: string | undefined,
  signal: AbortSignal | undefined,
): Promise<OpenedImage | undefined> {
  if (reference === undefined) return undefined;
  const full = fullNameOf(reference);
  const slash = full.indexOf("/");
  const path = `${hostPath(full.slice(0, slash))}${full.slice(slash)}`;
  return slash < 0 || path === reference ? undefined : await findByPath(bundle, path, signal);
}

/** What a text may mean: path, and tag or digest. A single word is a path, or else a tag of what lies at the root. */
async function readingsOf(
  registry: RegistryReader,
  text: string,
  signal: AbortSignal | undefined,
): Promise<readonly (readonly [path: string, wanted: string | undefined])[]> {
  const bare = text.startsWith("@") ? text.slice(1) : text;
  if (isDigest(bare)) {
    const paths: string[] = [];
    for await (const path of registry.repositories({ signal })) paths.push(path);
    return paths.map((path) => [path, bare]);
  }
  const { name, tag, digest } = splitRefName(text);
  if (name !== "") return [[name.replace(/(?<=[^/]):[^/:]*$/, digest === undefined ? "$&" : ""), digest ?? tag]];
  return [
    [text, undefined],
    ["", tag],
  ];
}

async function nothingFound(
  registry: RegistryReader,
  reference: string | undefined,
  signal: AbortSignal | undefined,
): Promise<never> {
  throw imageNotFound(registry.name, reference, await someNames(registry, signal));
}

async function onlyName(registry: RegistryReader, signal: AbortSignal | undefined): Promise<string | undefined> {
  const [first, second] = await someNames(registry, signal, 2);
  return second === undefined ? first : undefined;
}

async function someNames(
  registry: RegistryReader,
  signal: AbortSignal | undefined,
  max = 21,
): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const path of registry.repositories({ signal })) {
    for await (const tag of registry.repository(path).tags({ signal })) {
      if (names.length === max) return names;
      names.push(path === "" ? tag : `${path}:${tag}`);
    }
  }
  return names;
}

async function onlyTag(
  repository: RepositoryReader,
  signal: AbortSignal | undefined,
): Promise<Tag | Digest | undefined> {
  const tags: Tag[] = [];
  try {
    for await (const tag of repository.tags({ signal })) if (tags.push(tag) > 1) return undefined;
  } catch (error) {
    if (!isRegistryError(error, "NOT_FOUND")) throw error;
    return undefined; // there is no such repository
  }
  return tags[0];
}
