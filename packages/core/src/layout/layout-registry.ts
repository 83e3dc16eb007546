import { mkdir, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type CallOptions, parseRepositoryPath, type Registry, RegistryError } from "@tranship/registry";
import { requireSpaceIn } from "../bundle/disk/local-error.ts";
import { local } from "./atomic-file.ts";
import { InstanceCache } from "./instance-cache.ts";
import { LayoutDirectory } from "./layout-directory.ts";
import { layoutInvalid } from "./layout-files.ts";
import { LayoutRepository } from "./layout-repository.ts";
import { TagGathering } from "./tag-gathering.ts";
import { isLayoutPath, walkLayouts } from "./walk-layouts.ts";

/** Options of {@link LayoutRegistry.open}. */
export interface LayoutRegistryOptions {
  /** Makes the directory when it is missing; read-only, takes it for an empty one. @defaultValue false: that fails */
  readonly create?: boolean | undefined;
  /** Refuses every write with `UNSUPPORTED`. @defaultValue false */
  readonly readOnly?: boolean | undefined;
}

/**
 * A registry in a directory: the repository `a/b` is the OCI image layout in its folder `a/b`, which other tools read and
 * write as such. The directory may itself be a layout: the repository of the empty path. Folders come to exist with the
 * first thing written. Symbolic links in the tree are refused, so nothing outside of it is read or written.
 *
 * Readers and writers of one process may share it. What another process writes is noticed at the next call; only one
 * process at a time may write the same repository.
 * @see image-spec v1.1, "OCI Image Layout Specification"
 */
export class LayoutRegistry implements Registry {
  readonly name: string;
  /** The directory, as an absolute path without symbolic links. */
  readonly path: string;
  readonly #isReadOnly: boolean;
  /** Changes of an index wait for each other in its one instance. */
  readonly #repositories: InstanceCache<LayoutRepository> = new InstanceCache();
  readonly #gathering: TagGathering = new TagGathering();

  private constructor(path: string, isReadOnly: boolean) {
    this.path = path;
    this.name = `oci:${path}`;
    this.#isReadOnly = isReadOnly;
  }

  /** Opens the tree in a directory. @throws MirrorError `LAYOUT_INVALID`, `FILE_FAILED`, `NO_SPACE` */
  static async open(
    directory: string,
    { create = false, readOnly = false }: LayoutRegistryOptions = {},
  ): Promise<LayoutRegistry> {
    const path = resolve(directory);
    if (create && !readOnly) await local(path, () => mkdir(path, { recursive: true }));
    const real = await local(path, () => (create && readOnly ? realPathIfAny(path) : realpath(path)));
    if (real === undefined) return new LayoutRegistry(path, readOnly);
    if (!(await local(real, () => stat(real))).isDirectory()) throw layoutInvalid(path, "it is no folder");
    return new LayoutRegistry(real, readOnly);
  }

  /**
   * The repository at `path`.
   * @throws RegistryError `INVALID_REFERENCE` also for a path that leads through a layout's own files, such as `a/blobs`
   */
  repository(path: string): LayoutRepository {
    if (path !== "") parseRepositoryPath(path);
    if (!isLayoutPath(path)) throw reservedName(path);
    return this.#repositories.get(
      path,
      () =>
        new LayoutRepository(LayoutDirectory.at(join(this.path, path)), {
          listing: "all",
          isReadOnly: this.#isReadOnly,
          gathering: this.#gathering,
          sibling: (other) => (isLayoutPath(other) ? LayoutDirectory.at(join(this.path, other)) : undefined),
        }),
    );
  }

  /**
   * Makes sure that the file system has so many bytes free; one that does not tell is taken for large enough.
   * @throws MirrorError `NO_SPACE`
   */
  requireSpace(neededBytes: number): void {
    requireSpaceIn(this.path, neededBytes);
  }

  /**
   * Has tags gathered from now on and written in large groups, in the order they were given: for whoever gives very many.
   * Whoever reads them by this object finds all; others, and a process that is killed, may lack the last ones until the
   * function it gives has come to its end, which writes them.
   * @throws MirrorError `NO_SPACE`, `FILE_FAILED`, `LAYOUT_INVALID` from what it gives
   */
  gatherTags(): () => Promise<void> {
    this.#gathering.begin();
    return () => this.#gathering.end();
  }

  /** The paths of the layouts there are, sorted bytewise, found as they are asked for. */
  async *repositories({ signal }: CallOptions = {}): AsyncGenerator<string> {
    signal?.throwIfAborted();
    yield* walkLayouts(this.path, { signal });
  }
}

async function realPathIfAny(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function reservedName(path: string): RegistryError<"INVALID_REFERENCE"> {
  const message = `${path} cannot be a repository in a directory of image layouts: blobs, index.json and oci-layout are names of their own files`;
  return new RegistryError("INVALID_REFERENCE", message, { text: path });
}
