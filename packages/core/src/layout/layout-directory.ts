import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  type Blob,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  formatDigest,
  hashFor,
  RegistryError,
} from "@tranship/registry";
import { localError } from "../bundle/local-error.ts";
import { MirrorError } from "../errors.ts";
import { blobPath } from "../plan/section.ts";
import { formatIndexFile, maxIndexBytes, ociLayoutText, parseIndexFile } from "./index-file.ts";
import type { LayoutStorage } from "./layout-content.ts";
import { layoutTagOf } from "./layout-entry.ts";
import { LayoutIndex } from "./layout-index.ts";

const pieceBytes = 512 * 1024;

/** The files of one image layout in a directory. Every file appears whole, under its name, or not at all. */
export class LayoutDirectory implements LayoutStorage {
  readonly path: string;
  readonly name: string;
  #index: LayoutIndex;
  /** The end of the last change of the index: changes wait for each other. */
  #changes: Promise<unknown> = Promise.resolve();

  private constructor(path: string, descriptors: readonly Descriptor[]) {
    this.path = path;
    this.name = `oci:${path}`;
    this.#index = new LayoutIndex(descriptors, layoutTagOf);
  }

  /** Opens the layout at `path`, or makes an empty one. @throws MirrorError `LAYOUT_INVALID`, `NO_SPACE`, `FILE_FAILED` */
  static async open(path: string): Promise<LayoutDirectory> {
    const root = resolve(path);
    await local(root, () => mkdir(root, { recursive: true }));
    await checkLayoutFile(root);
    const directory = new LayoutDirectory(root, (await readIndex(root)) ?? []);
    if (!(await exists(join(root, "index.json")))) await directory.#write("index.json", formatIndexFile([]));
    if (!(await exists(join(root, "oci-layout")))) await directory.#write("oci-layout", ociLayoutText);
    return directory;
  }

  index(): LayoutIndex {
    return this.#index;
  }

  async stat(digest: Digest): Promise<number | undefined> {
    const path = join(this.path, blobPath(digest));
    try {
      const found = await stat(path);
      return found.isFile() ? found.size : undefined;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw localError(error, path);
    }
  }

  async *pieces(digest: Digest, offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const path = join(this.path, blobPath(digest));
    const file = await local(path, () => open(path, "r"));
    try {
      for (let done = 0; done < length; ) {
        signal?.throwIfAborted();
        const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, length - done));
        const { bytesRead } = await local(path, () => file.read(piece, 0, piece.byteLength, offset + done));
        if (bytesRead === 0) {
          throw new MirrorError("FILE_FAILED", `${path} got shorter while it was read`, { path, reason: "EOF" });
        }
        done += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  fileOf(digest: Digest): string {
    return join(this.path, blobPath(digest));
  }

  /** Stores a blob; its bytes are hashed on their way. @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH` */
  async writeBlob({ digest, size }: Blob, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    const path = this.fileOf(digest);
    await local(path, () => mkdir(dirname(path), { recursive: true }));
    await this.#replace(path, async (file) => {
      const hash = hashFor(digest);
      let actual = 0;
      for await (const chunk of bytes) {
        signal?.throwIfAborted();
        actual += chunk.byteLength;
        if (actual > size) throw wrongSize(path, size, actual);
        hash.update(chunk);
        await local(path, () => writeAll(file, chunk));
      }
      if (actual !== size) throw wrongSize(path, size, actual);
      const found = formatDigest(digestAlgorithm(digest), hash);
      if (found === digest) return;
      const message = `cannot store ${path}: its bytes hash to ${found}`;
      throw new RegistryError("DIGEST_MISMATCH", message, { reference: path, expected: digest, actual: found });
    });
  }

  /** Changes the index, one change after the other; one that gives the same list back writes nothing. */
  async change(next: (index: LayoutIndex) => readonly Descriptor[]): Promise<void> {
    const change = this.#changes.then(async () => {
      const after = next(this.#index);
      if (after === this.#index.descriptors) return;
      await this.#write("index.json", formatIndexFile(after));
      this.#index = new LayoutIndex(after, layoutTagOf);
    });
    this.#changes = change.catch(() => {}); // a failed change is its caller's to know
    await change;
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.path, name);
    await this.#replace(path, (file) => local(path, () => file.writeFile(text)));
  }

  async #replace(path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
    const temporary = join(this.path, `.${randomUUID()}.tmp`);
    const file = await local(path, () => open(temporary, "wx"));
    try {
      try {
        await fill(file);
        await local(path, () => file.datasync());
      } finally {
        await file.close();
      }
      await local(path, () => rename(temporary, path));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    done += (await file.write(chunk, done, chunk.byteLength - done)).bytesWritten;
  }
}

async function checkLayoutFile(root: string): Promise<void> {
  const path = join(root, "oci-layout");
  if (!(await exists(path))) return;
  const text = await local(path, () => readFile(path, "utf8"));
  let version: unknown;
  try {
    version = (JSON.parse(text) as { readonly imageLayoutVersion?: unknown } | null)?.imageLayoutVersion;
  } catch (cause) {
    throw layoutInvalid(root, "oci-layout is not JSON", cause);
  }
  if (version !== "1.0.0") throw layoutInvalid(root, `its version is ${JSON.stringify(version)}, not 1.0.0`);
}

async function readIndex(root: string): Promise<readonly Descriptor[] | undefined> {
  const path = join(root, "index.json");
  if (!(await exists(path))) return undefined;
  const { size } = await local(path, () => stat(path));
  if (size > maxIndexBytes) throw layoutInvalid(root, `index.json is over ${maxIndexBytes} bytes`);
  const bytes = await local(path, () => readFile(path));
  try {
    return parseIndexFile(bytes);
  } catch (cause) {
    throw layoutInvalid(root, `index.json cannot be read: ${cause instanceof Error ? cause.message : ""}`, cause);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw localError(error, path);
  }
}

async function local<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw localError(error, path);
  }
}

function wrongSize(path: string, expected: number, actual: number): RegistryError<"SIZE_MISMATCH"> {
  const message = `cannot store ${path}: expected ${expected} bytes, got ${actual}`;
  return new RegistryError("SIZE_MISMATCH", message, { reference: path, expected, actual });
}

function layoutInvalid(layout: string, reason: string, cause?: unknown): MirrorError<"LAYOUT_INVALID"> {
  return new MirrorError(
    "LAYOUT_INVALID",
    `cannot use the image layout ${layout}: ${reason}`,
    { layout, reason },
    { cause },
  );
}
