/** What kind of entry a layer's archive holds at a path. */
export type LayerEntryKind = "file" | "directory" | "symlink" | "other";

const whiteout = ".wh.";
const opaqueWhiteout = ".wh..wh..opq";

/** What one layer says about paths that are looked for. */
export interface LayerFindings {
  /** Files it holds. */
  readonly found: ReadonlyMap<string, Uint8Array>;
  /** Paths that lower layers may hold and it takes away. */
  readonly hidden: ReadonlySet<string>;
}

/**
 * Looks for files in one layer of an image, fed entry by entry. Whiteouts hide what lower layers hold, never what their
 * own layer does.
 * @see image-spec v1.1, "Image Layer Filesystem Changeset", "Whiteouts"
 */
export class FileSearch implements LayerFindings {
  readonly #open: Set<string>;
  readonly #hidden = new Set<string>();
  readonly #found = new Map<string, Uint8Array>();

  /** `paths` as {@link parseLayerPath} gives them. */
  constructor(paths: Iterable<string>) {
    this.#open = new Set(paths);
  }

  /** Whether there is nothing left to look for. */
  get isDone(): boolean {
    return this.#open.size === 0;
  }

  get found(): ReadonlyMap<string, Uint8Array> {
    return this.#found;
  }

  get hidden(): ReadonlySet<string> {
    return this.#hidden;
  }

  /** Takes note of an entry; `true` when it is at a path looked for and no directory or symbolic link. */
  visit(path: string, kind: LayerEntryKind): boolean {
    const slash = path.lastIndexOf("/");
    const folder = path.slice(0, slash + 1);
    const base = path.slice(slash + 1);
    if (base === opaqueWhiteout) this.#hide((name) => name.startsWith(folder));
    else if (base.startsWith(whiteout)) {
      const target = folder + base.slice(whiteout.length);
      this.#hide((name) => name === target || name.startsWith(`${target}/`));
    } else if (kind !== "directory") this.#hide((name) => name.startsWith(`${path}/`)); // it takes a parent's place
    if (!this.#open.has(path)) return false;
    if (kind !== "directory" && kind !== "symlink") return true;
    this.#hidden.add(path);
    return false;
  }

  /** Settles a path: these are its bytes. */
  take(path: string, bytes: Uint8Array): void {
    this.#open.delete(path);
    this.#found.set(path, bytes);
  }

  #hide(matches: (name: string) => boolean): void {
    for (const name of this.#open) if (matches(name)) this.#hidden.add(name);
  }
}

/** A path inside a layer without `../`, leading or doubled slashes; `undefined` for one that leads nowhere inside. */
export function parseLayerPath(raw: string): string | undefined {
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".");
  return parts.length === 0 || parts.includes("..") ? undefined : parts.join("/");
}
