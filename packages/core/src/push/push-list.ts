import {
  type CallOptions,
  type Descriptor,
  formatName,
  isRegistryError,
  isTag,
  parseRepositoryPath,
  parseTag,
  RegistryError,
  type RegistryReader,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import { compareText } from "../layout/index-file.ts";
import type { Copier, Route } from "../transfer/copier.ts";
import { type Graph, graphOf } from "../transfer/graph.ts";
import { runSteps, type Step } from "../transfer/run-steps.ts";
import { transferError } from "../transfer/transfer-error.ts";
import { createDiscoveryImage } from "./discovery-image.ts";
import type { DiscoveryNames } from "./discovery-names.ts";
import { type PublishRank, publishRank } from "./order.ts";

/** One name a push gives at the target, and the image behind it. */
export interface PushedImage {
  /** Copies into its repository at the target. */
  readonly copier: Copier;
  /** Its repository below the root of the source. */
  readonly path: string;
  readonly tag: Tag;
  readonly descriptor: Descriptor;
  readonly graph: Graph;
  readonly rank: PublishRank;
  readonly isDiscovery: boolean;
}

/** Options of {@link readPushList}. */
export interface PushListOptions extends CallOptions {
  readonly inFlight: number;
  /** Makes what copies from what is read into where the source's repository at `path` goes. */
  readonly copierOf: (path: string, from: Route["from"]) => Copier;
}

/**
 * Reads everything a push names, with its graph, before anything is written: sorted by repository and tag.
 * @throws MirrorError `TRANSFER_FAILED` of the source
 */
export async function readPushList(
  source: RegistryReader,
  { signal, inFlight, copierOf }: PushListOptions,
): Promise<readonly PushedImage[]> {
  const paths = await listPaths(source, signal);
  const images: PushedImage[] = [];
  const steps: Step[] = [];
  for (const path of paths.sort(compareText)) {
    const repository = source.repository(path);
    const reading = new RepositoryReading(repository, path, copierOf(path, repository));
    steps.push({
      id: path,
      run: async (own) => {
        for (const image of await reading.images(own)) images.push(image); // more than a call may take arguments
      },
    });
  }
  await runSteps(steps, { inFlight, signal });
  return images.sort((a, b) => compareText(a.path, b.path) || compareText(a.tag, b.tag));
}

async function listPaths(source: RegistryReader, signal: AbortSignal | undefined): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const path of source.repositories({ signal })) paths.push(path);
  } catch (error) {
    throw transferError(error, "source", `list the repositories of ${source.name}`, source.name, signal);
  }
  return paths.map((path) => (path === "" ? path : parseRepositoryPath(path)));
}

/** The discovery tags of the catalogs: one name each, all for the same image. */
export function discoveryImages(
  catalogs: readonly DiscoveryNames[],
  copierOf: PushListOptions["copierOf"],
): readonly PushedImage[] {
  const { manifest, graph, source } = createDiscoveryImage();
  const { descriptor } = manifest;
  return catalogs.flatMap(({ root, names }) => {
    const copier = copierOf(root, source);
    return names.filter(isTag).map((name) => {
      const tag = parseTag(name);
      return { copier, path: root, tag, descriptor, graph, rank: 4, isDiscovery: true } as const;
    });
  });
}

/** Reads the named images of one repository; a graph that several names share is read once. */
class RepositoryReading {
  readonly #repository: RepositoryReader;
  readonly #path: string;
  readonly #copier: Copier;

  constructor(repository: RepositoryReader, path: string, copier: Copier) {
    this.#repository = repository;
    this.#path = path;
    this.#copier = copier;
  }

  async images(signal: AbortSignal): Promise<readonly PushedImage[]> {
    const [copier, path] = [this.#copier, this.#path];
    const graphs = new Map<string, Graph>();
    const images: PushedImage[] = [];
    for (const tag of await this.#ask("", signal, () => this.#tags(signal))) {
      const image = await this.#ask(formatName("", tag), signal, async () => {
        const descriptor = await this.#resolve(parseTag(tag), signal);
        const graph = graphs.get(descriptor.digest) ?? (await graphOf(this.#repository, descriptor, { signal }));
        graphs.set(descriptor.digest, graph);
        return { copier, path, tag, descriptor, graph, rank: publishRank(path, tag), isDiscovery: false };
      });
      images.push(image);
    }
    return images;
  }

  async #tags(signal: AbortSignal): Promise<readonly Tag[]> {
    const tags = new Set<Tag>();
    try {
      for await (const tag of this.#repository.tags({ signal })) tags.add(tag);
    } catch (error) {
      if (!isRegistryError(error, "NOT_FOUND")) throw error; // listed, but nothing of it was ever named
    }
    return [...tags];
  }

  async #resolve(tag: Tag, signal: AbortSignal): Promise<Descriptor> {
    const descriptor = await this.#repository.resolve(tag, { signal });
    if (descriptor) return descriptor;
    const registry = this.#repository.name;
    throw new RegistryError("NOT_FOUND", `${formatName(registry, tag)} is not there`, { registry, reference: tag });
  }

  async #ask<T>(image: string, signal: AbortSignal, question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw this.#copier.failure(error, "source", image, signal);
    }
  }
}
