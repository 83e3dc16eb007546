import { RootfsError } from "../errors.ts";
import { taskModule } from "../layers/layer-task.ts";
import type { LayerWorkers } from "../layers/layer-workers.ts";
import type { FileContent, FileInode } from "./inode.ts";
import type { LayerRange, RangeBytes, RangesInput } from "./ranges-task.ts";
import type { RootfsTree } from "./rootfs-tree.ts";
import { walkTree } from "./walk-tree.ts";

/** Files up to this many bytes are kept when their layer is read for another one. */
const maxKeptFileBytes = 64 * 1024;

/** Bytes, and files, kept at most. */
const maxKeptBytes = 32 * 1024 * 1024;
const maxKeptFiles = 20_000;

/** Where the bytes of a file lie in a layer. */
type LayerContent = Extract<FileContent, { readonly layer: number }>;

/**
 * Reads bytes of files that lie in layers. A layer can only be unpacked from its beginning, and is to its end, which proves
 * it; so each pass keeps small files of its layer too (up to 64 KiB each, 32 MiB in all, the smallest first), and an image's
 * settings cost one pass over each layer that has some. Passes follow each other.
 */
export class LayerContents {
  readonly #tree: RootfsTree;
  readonly #workers: LayerWorkers;
  readonly #reference: string;
  readonly #kept = new Map<LayerContent, Uint8Array>();
  #keptBytes = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(tree: RootfsTree, workers: LayerWorkers, reference: string) {
    this.#tree = tree;
    this.#workers = workers;
    this.#reference = reference;
  }

  /**
   * All bytes of a file, holes as zeros; the caller's own.
   * @throws RootfsError `LAYER_INVALID`, `LAYER_MISMATCH`, `FILE_FAILED`; `signal.reason`
   */
  async read({ content, size }: FileInode, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    if ("bytes" in content) return Uint8Array.from(content.bytes);
    if (size === 0) return new Uint8Array(0);
    const turn = this.#turn.then(() => this.#kept.get(content)?.slice() ?? this.#pass(content, size, signal));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #pass(content: LayerContent, size: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const file = this.#tree.layers[content.layer];
    if (file === undefined) throw new TypeError(`the tree has no layer ${content.layer}`);
    const bytes = new Uint8Array(size);
    const small = new Map<LayerContent, Uint8Array>();
    const extents = content.extents ?? [{ at: 0, offset: content.offset, length: size }];
    const reads: Array<LayerRange & { take(bytes: Uint8Array): void }> = [
      ...extents.map(({ at, offset, length }) => ({ offset, length, take: (part: Uint8Array) => bytes.set(part, at) })),
      ...this.#smallFiles(content).map((other) => ({
        offset: other.content.offset,
        length: other.size,
        take: (whole: Uint8Array) => void small.set(other.content, whole),
      })),
    ]
      .filter(({ length }) => length > 0)
      .sort((a, b) => a.offset - b.offset);
    let missing = reads.length;
    const input: RangesInput = {
      file,
      reference: this.#reference,
      ranges: reads.map(({ offset, length }) => ({ offset, length })),
    };
    await this.#workers.run<RangesInput, readonly RangeBytes[], void>(
      taskModule("ranges-task", import.meta.url),
      input,
      {
        signal,
        onMessage: (ranges) => {
          missing -= ranges.length;
          for (const range of ranges) reads[range.index]?.take(range.bytes);
        },
      },
    );
    if (missing > 0) throw this.#tooShort(content.layer, file.digest);
    for (const [other, kept] of small) {
      this.#kept.set(other, kept);
      this.#keptBytes += kept.byteLength;
    }
    return bytes;
  }

  /** Files that are worth keeping when the layer of `wanted` is read. */
  #smallFiles(wanted: LayerContent): Array<{ readonly content: LayerContent; readonly size: number }> {
    const found = new Map<LayerContent, number>();
    for (const { inode } of walkTree(this.#tree.root)) {
      if (inode.type !== "file" || inode.size === 0 || inode.size > maxKeptFileBytes) continue;
      const { content, size } = inode;
      if ("bytes" in content || content.layer !== wanted.layer || content.extents !== undefined) continue;
      if (content !== wanted && !this.#kept.has(content)) found.set(content, size);
    }
    const smallest = [...found]
      .map(([content, size]) => ({ content, size }))
      .sort((a, b) => a.size - b.size || a.content.offset - b.content.offset)
      .slice(0, Math.max(0, maxKeptFiles - this.#kept.size));
    let bytes = this.#keptBytes;
    return smallest.filter(({ size }) => {
      bytes += size;
      return bytes <= maxKeptBytes;
    });
  }

  #tooShort(layer: number, digest: string): RootfsError {
    const reference = this.#reference;
    const reason = "it ends before a file of it";
    const message = `cannot read layer ${layer} (${digest}) of ${reference} again: ${reason}`;
    return new RootfsError("LAYER_INVALID", message, { reference, layer, digest, reason });
  }
}
