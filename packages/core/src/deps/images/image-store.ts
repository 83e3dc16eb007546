import type { Dirent } from "node:fs";
import { mkdir, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, isDigest } from "@tranship/registry";
import { local, localIfAny } from "../../layout/atomic-file.ts";
import { LayoutDirectory } from "../../layout/layout-directory.ts";
import { Turns } from "../../layout/turns.ts";
import { layoutNames, walkLayouts } from "../../layout/walk-layouts.ts";
import type { ContentCheck } from "../jobs/item-job.ts";
import { isPathSegment } from "../path-segment.ts";

/** Image layouts below one folder, as all who use one cache share them. */
export class ImageStore {
  /** An absolute path without symbolic links. */
  readonly root: string;
  /** Fetches under way: a blob that several repositories lack is fetched for one of them. */
  readonly flights: Map<Digest, Promise<void>> = new Map();
  /** Changes of one repository's list wait for each other. */
  readonly turns: Turns<string> = new Turns();
  readonly #layouts = new Map<string, LayoutDirectory>();
  #holders: Promise<Map<Digest, Set<string>>> | undefined;

  private constructor(root: string) {
    this.root = root;
  }

  /**
   * The store at `root`, the same for all who know files by `contents`; `undefined` when there is no such folder, unless it
   * may be made.
   * @throws MirrorError `FILE_FAILED`, `NO_SPACE`
   */
  static async at(contents: ContentCheck, root: string, canMake: boolean): Promise<ImageStore | undefined> {
    if (canMake) await local(root, () => mkdir(root, { recursive: true }));
    const known = stores.get(contents) ?? new Map<string, ImageStore>();
    stores.set(contents, known);
    const before = known.get(root); // links on the way are followed once, and not for each image
    if (before) return before;
    const real = await localIfAny(root, () => realpath(root));
    if (real === undefined) return undefined;
    const store = known.get(real) ?? new ImageStore(real);
    known.set(real, store);
    known.set(root, store);
    return store;
  }

  /** The layout of a repository, whose path was checked; of the folder itself for the empty path. */
  layout(repository: string): LayoutDirectory {
    const known = this.#layouts.get(repository) ?? LayoutDirectory.at(join(this.root, repository));
    this.#layouts.set(repository, known);
    return known;
  }

  /** The repositories that have, or had, a file for a blob. */
  async holdersOf(digest: Digest, signal: AbortSignal): Promise<readonly string[]> {
    this.#holders ??= this.#findHolders(signal).catch((error: unknown) => {
      this.#holders = undefined;
      throw error;
    });
    return [...((await this.#holders).get(digest) ?? [])];
  }

  /** Takes note that a repository has a file for a blob. */
  async addHolder(digest: Digest, repository: string): Promise<void> {
    const holders = await this.#holders;
    if (holders) hold(holders, digest, repository);
  }

  /** The digests of the blobs in a repository, by the names of their files. */
  async blobsOf(repository: string): Promise<readonly Digest[]> {
    const folder = join(this.layout(repository).path, "blobs");
    const found: Digest[] = [];
    for (const algorithm of await namesIn(folder, (entry) => entry.isDirectory())) {
      for (const hex of await namesIn(join(folder, algorithm), (entry) => entry.isFile())) {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) found.push(digest);
      }
    }
    return found.sort();
  }

  /** Looks through the folders once; what is written later is told by {@link addHolder}. */
  async #findHolders(signal: AbortSignal): Promise<Map<Digest, Set<string>>> {
    const holders = new Map<Digest, Set<string>>();
    const repositories = new Set(this.#layouts.keys());
    for await (const repository of walkLayouts(this.root, { signal, isWanted: isOurs })) repositories.add(repository);
    for (const repository of repositories) {
      for (const digest of await this.blobsOf(repository)) hold(holders, digest, repository);
    }
    return holders;
  }
}

/** By what a cache knows of its files, so that two caches in one process have nothing in common. */
const stores: WeakMap<ContentCheck, Map<string, ImageStore>> = new WeakMap();

/** Also of repositories whose names have a port in them, which no registry serves. */
function isOurs(path: string): boolean {
  const names = path.split("/");
  return isPathSegment(names.at(-1) ?? "") && !names.some((name) => layoutNames.has(name));
}

function hold(holders: Map<Digest, Set<string>>, digest: Digest, repository: string): void {
  const known = holders.get(digest);
  if (known) known.add(repository);
  else holders.set(digest, new Set([repository]));
}

async function namesIn(folder: string, isWanted: (entry: Dirent) => boolean): Promise<readonly string[]> {
  const entries = await localIfAny(folder, () => readdir(folder, { withFileTypes: true }));
  return (entries ?? []).filter(isWanted).map(({ name }) => name);
}
