import { join, relative, resolve, sep } from "node:path";
import { workFolder } from "../../bundle/bundle-lock.ts";
import { realPathOf } from "../cache/cache-folder.ts";
import { cachePaths } from "../podplane/cache-paths.ts";

/** Where, in the work folder, git mirrors wait until they are gone. */
export const removedFolder = "removed";

/** Where, in the work folder, git mirrors of archives are until they are whole. */
export const incomingFolder = "incoming";

/** The folders of a cache by what is kept in them, as paths below its own with `/` between the names. */
const cacheFolders: Readonly<Record<FolderKind, readonly string[]>> = {
  /** Files, and links to them, one by one. */
  files: ["blobs", "files", "seeds/snapshots", "vmconfig/artifacts", "vmconfig/blobs"],
  /** Trees of OCI image layouts, one for each repository. */
  stores: ["charts", "components/images", "registry", "templates/charts"],
  /** Git mirrors. */
  mirrors: ["git"],
  /** Manifests with older copies of them beside. */
  manifests: ["components/manifests", "seeds/manifests", "templates/manifests", "vmconfig/manifests"],
  /** Manifests as they came, by digest. */
  upstream: [`${workFolder}/manifests`],
};

/** What is kept in a folder. */
export type FolderKind = "files" | "stores" | "mirrors" | "manifests" | "upstream";

/** One folder of a cache. */
export interface CacheFolder {
  readonly kind: FolderKind;
  /** Complete. */
  readonly path: string;
  /** How it is called wherever the cache is: `cache/…`, or `store` for an image store beside the cache. */
  readonly name: string;
}

/** A place in a cache. */
export interface CachePlace {
  readonly folder: CacheFolder;
  /** The names below the folder; none for the folder itself. */
  readonly names: readonly string[];
}

/** Where the folders of a cache are, as far as it is not told by its own. */
export interface CacheTreeOptions {
  /** The image store, where it is not in the cache. @defaultValue `registry` beside a cache that is called `deps`, else in it */
  readonly store?: string | undefined;
}

/** The folders there may be in a cache, and in the image store beside it. All others are none of ours. */
export class CacheTree {
  readonly root: string;
  /** Of what is under way, and what is known. */
  readonly workFolder: string;
  readonly folders: readonly CacheFolder[];

  constructor(root: string, { store = cachePaths(root).registry }: CacheTreeOptions = {}) {
    this.root = root;
    this.workFolder = join(root, workFolder);
    const inside = (Object.keys(cacheFolders) as FolderKind[]).flatMap((kind) =>
      cacheFolders[kind].map((name) => ({ kind, path: join(root, ...name.split("/")), name: `cache/${name}` })),
    );
    const isBeside = !inside.some(({ path }) => path === resolve(store));
    this.folders = isBeside ? [...inside, { kind: "stores", path: resolve(store), name: "store" }] : inside;
  }

  /** The same, with the store by its name without symbolic links: a cache is known by that too. @throws DepsError `FILE_FAILED` */
  static async open(root: string, { store = cachePaths(root).registry }: CacheTreeOptions = {}): Promise<CacheTree> {
    const real = await realPathOf(store);
    for (const name of cacheFolders.stores) {
      const inside = join(root, ...name.split("/"));
      if ((await realPathOf(inside)) === real) return new CacheTree(root, { store: inside });
    }
    return new CacheTree(root, { store: real });
  }

  of(kind: FolderKind): readonly CacheFolder[] {
    return this.folders.filter((folder) => folder.kind === kind);
  }

  /** Where a complete path is; `undefined` outside of all folders. */
  placeOf(path: string): CachePlace | undefined {
    return this.folders
      .map((folder) => placeIn(folder, relative(folder.path, path)))
      .find((place) => place !== undefined);
  }

  /** The same for a name such as `cache/files/a`, the other way about. */
  placeNamed(name: string): CachePlace | undefined {
    for (const folder of this.folders) {
      if (name.startsWith(`${folder.name}/`)) return { folder, names: name.slice(folder.name.length + 1).split("/") };
    }
    return undefined;
  }
}

/** The complete path of a place. */
export function placePath({ folder, names }: CachePlace): string {
  return join(folder.path, ...names);
}

/** The name of a place, wherever the cache is. */
export function placeName({ folder, names }: CachePlace): string {
  return [folder.name, ...names].join("/");
}

function placeIn(folder: CacheFolder, below: string): CachePlace | undefined {
  if (below === "") return { folder, names: [] };
  const names = below.split(sep);
  return names[0] === ".." || resolve(folder.path, below) === below ? undefined : { folder, names };
}
