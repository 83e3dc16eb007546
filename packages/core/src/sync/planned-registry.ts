import {
  type CallOptions,
  type Digest,
  RegistryError,
  type RegistryReader,
  type RepositoryReader,
} from "@tranship/registry";
import { indexEntries } from "../bundle/archive/archive-layout.ts";
import { joinIndexes, warnOfTags } from "../bundle/join-indexes.ts";
import type { OnEvent } from "../events.ts";
import { compareText, shortTagOf, sortDescriptors } from "../layout/index-file.ts";
import { LayoutIndex } from "../layout/layout-index.ts";
import type { PlannedArchive } from "../plan/download-list.ts";
import type { PlannedRepository } from "../plan/section.ts";
import { PlannedContent, type PlannedPiece, type PlannedView } from "./planned-content.ts";

/** How a {@link PlannedRegistry} reads what is planned. */
export interface PlannedRegistryOptions {
  /** Opens a repository by its full name, as the planner of an archive does. */
  readonly open: (archive: string, source: string) => RepositoryReader;
  /** The manifests of the plan, made ones too, and what was read to plan by. */
  readonly view: PlannedView;
  /** Told of tags that several archives give to different images. */
  readonly onEvent?: OnEvent | undefined;
}

/** What the archives of a plan have for one path. */
interface Draft {
  readonly name: string;
  readonly archives: Map<string, PlannedRepository[]>;
  readonly pieces: Map<Digest, PlannedPiece>;
}

/**
 * What a plan comes to, as the registry that a bundle of it would be: the same repositories and tags, and all content read
 * where the plan found it. What a plan leaves to a base is in it like the rest.
 */
export class PlannedRegistry implements RegistryReader {
  readonly name = "the plan";
  readonly #repositories: ReadonlyMap<string, RepositoryReader>;
  readonly #archives: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(archives: readonly PlannedArchive[], options: PlannedRegistryOptions) {
    const drafts = draftsOf(archives, options);
    this.#repositories = new Map(drafts.map(([path, draft]) => [path, repositoryOf(path, draft, options)]));
    this.#archives = archivesByBlob(archives);
  }

  repository(path: string): RepositoryReader {
    const repository = this.#repositories.get(path);
    if (repository) return repository;
    throw new RegistryError("NOT_FOUND", `nothing is planned for ${path}`, { registry: this.name, reference: path });
  }

  /** Paths of all repositories, bytewise. */
  async *repositories({ signal }: CallOptions = {}): AsyncGenerator<string> {
    for (const path of this.#repositories.keys()) {
      signal?.throwIfAborted();
      yield path;
    }
  }

  /** The archives whose images need this blob in the repository at `path`. */
  archivesWith(path: string, digest: Digest): ReadonlySet<string> {
    return this.#archives.get(keyOf(path, digest)) ?? new Set();
  }
}

function draftsOf(
  archives: readonly PlannedArchive[],
  { open }: PlannedRegistryOptions,
): readonly (readonly [string, Draft])[] {
  const drafts = new Map<string, Draft>();
  for (const [archive, repository] of repositoriesOf(archives)) {
    const { path, source, blobs, assumed = [] } = repository;
    const draft: Draft = drafts.get(path) ?? { name: source, archives: new Map(), pieces: new Map() };
    drafts.set(path, draft);
    draft.archives.set(archive, [...(draft.archives.get(archive) ?? []), repository]);
    const home = open(archive, source);
    for (const blob of [...blobs, ...assumed]) {
      if (!draft.pieces.has(blob.digest)) draft.pieces.set(blob.digest, { blob, home });
    }
  }
  return [...drafts].sort(([a], [b]) => compareText(a, b));
}

function repositoryOf(
  path: string,
  { name, archives, pieces }: Draft,
  { view, onEvent }: PlannedRegistryOptions,
): RepositoryReader {
  const lists = [...archives].map(([archive, repositories]) => {
    const descriptors = sortDescriptors(indexEntries(repositories));
    return { group: 0, archive: { name: archive }, descriptors };
  });
  const index = new LayoutIndex(joinIndexes(lists), shortTagOf);
  const listedIn = new Map(lists.flatMap((list) => list.descriptors.map(({ digest }) => [digest, list])));
  if (onEvent) warnOfTags(path, index, listedIn, onEvent);
  return new PlannedContent({ name, index, pieces, view });
}

function archivesByBlob(archives: readonly PlannedArchive[]): ReadonlyMap<string, ReadonlySet<string>> {
  const byBlob = new Map<string, Set<string>>();
  for (const [archive, { path, blobs, assumed = [] }] of repositoriesOf(archives)) {
    for (const { digest } of [...blobs, ...assumed]) {
      const key = keyOf(path, digest);
      byBlob.set(key, (byBlob.get(key) ?? new Set()).add(archive));
    }
  }
  return byBlob;
}

function repositoriesOf(archives: readonly PlannedArchive[]): readonly (readonly [string, PlannedRepository])[] {
  return archives.flatMap(({ archive, sections }) =>
    sections.flatMap(({ repositories }) => repositories.map((repository) => [archive, repository] as const)),
  );
}

function keyOf(path: string, digest: Digest): string {
  return `${path}@${digest}`;
}
