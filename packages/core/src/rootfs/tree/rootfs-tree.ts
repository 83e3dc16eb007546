import type { LayerFile } from "../layers/layer-file.ts";
import type { DirectoryInode } from "./inode.ts";

/** A merged root file system: names and metadata in memory, bytes where they lie in the layers. */
export interface RootfsTree {
  readonly root: DirectoryInode;
  /** By number, as file contents name them. */
  readonly layers: readonly LayerFile[];
}
