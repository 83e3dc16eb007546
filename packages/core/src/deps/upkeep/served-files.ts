import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, isDigest } from "@tranship/registry";
import type { ServedFile, ServedFiles } from "@tranship/registry/server";
import { CacheState } from "../cache/cache-state.ts";
import { readRegular } from "../cache/own-file.ts";
import { parseFetchRecord, readIfAny, readKept } from "../podplane/manager/manifest-bytes.ts";
import {
  componentsFormat,
  type ManifestFormat,
  seedsFormat,
  templatesFormat,
  vmConfigFormat,
} from "../podplane/manager/manifest-format.ts";
import { type CacheTree, placePath } from "./cache-tree.ts";

const pieceBytes = 512 * 1024;

/** Links to elsewhere are not followed, and nobody waits for a pipe. Windows has neither. */
const readAtOnce = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The files of a cache that are served: manifests as they were published, and files where their manifests have them. */
export class CacheFiles implements ServedFiles {
  readonly #tree: CacheTree;

  /** `tree`: of a folder without symbolic links above it. */
  constructor(tree: CacheTree) {
    this.#tree = tree;
  }

  async find(path: readonly string[]): Promise<ServedFile | undefined> {
    const [first, name, ...more] = path;
    if (first === "manifests") return more.length === 0 && name !== undefined ? await this.#manifest(name) : undefined;
    if (path.some((one) => one.startsWith("."))) return undefined;
    const place = this.#tree.placeNamed(`cache/${path.join("/")}`);
    return place?.folder.kind === "files" ? await openFile(placePath(place), this.#tree) : undefined;
  }

  async #manifest(file: string): Promise<ServedFile | undefined> {
    const [, stem, suffix] = /^([a-z][\w.-]*)\.json(\.sig)?$/.exec(file) ?? [];
    if (stem === undefined) return undefined;
    const state = await this.#state();
    const isLocal = state.get(`local/${stem}`) !== undefined;
    const record = isLocal ? undefined : parseFetchRecord(state.get(`manifest/${stem}`));
    if (suffix !== undefined)
      return record?.signature === undefined ? undefined : inMemory(Buffer.from(record.signature));
    const kept = record && (await readKept(this.#tree.workFolder, record.digest));
    const bytes = kept ?? (await this.#latest(stem));
    return bytes && inMemory(bytes, "application/json");
  }

  /** The manifest in the cache without what the cache noted in it. */
  async #latest(stem: string): Promise<Uint8Array | undefined> {
    const formats = {
      vmconfig: vmConfigFormat,
      components: componentsFormat,
      templates: templatesFormat,
      seeds: seedsFormat,
    };
    const kind = stem.startsWith("vmconfig_") ? "vmconfig" : stem;
    if (kind !== "vmconfig" && kind !== "components" && kind !== "templates" && kind !== "seeds") return undefined;
    const path = join(this.#tree.root, kind, "manifests", `${stem}.json`);
    const found = await readIfAny(path, stem); // one that cannot be read is a failure of ours, and none that is missing
    return found && withoutMarkers(formats[kind] as ManifestFormat<unknown>, found.bytes);
  }

  async #state(): Promise<CacheState> {
    const path = join(this.#tree.workFolder, "state.json");
    try {
      return CacheState.parse(Buffer.from(await readRegular(path)).toString(), path);
    } catch {
      return new CacheState(); // the manifests tell enough
    }
  }
}

function withoutMarkers<Manifest>(format: ManifestFormat<Manifest>, bytes: Uint8Array): Uint8Array {
  return Buffer.from(format.format(format.parse(bytes)));
}

function inMemory(bytes: Uint8Array, contentType?: string): ServedFile {
  return {
    size: bytes.byteLength,
    etag: digestOf(bytes, "sha256"),
    contentType,
    async *read(offset, length) {
      yield bytes.subarray(offset, offset + length);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A file of a cache, or what a link in it leads to, if that is one too. */
async function openFile(path: string, tree: CacheTree): Promise<ServedFile | undefined> {
  const real = await realpath(path).catch(() => undefined);
  const place = real === undefined ? undefined : tree.placeOf(real);
  if (real === undefined || place?.folder.kind !== "files") return undefined;
  const file = await open(real, readAtOnce).catch(() => undefined);
  const found = await file?.stat({ bigint: true });
  if (!file || !found?.isFile()) {
    await file?.close();
    return undefined;
  }
  const digest = place.names.join(":");
  const isNamed = /(?:^|\/)blobs$/.test(place.folder.name) && isDigest(digest);
  return {
    size: Number(found.size),
    etag: isNamed ? digest : `${found.size}-${found.mtimeNs}-${found.ino}`,
    async *read(offset, length, signal) {
      for (let done = 0; done < length; ) {
        signal.throwIfAborted();
        const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, length - done));
        const { bytesRead } = await file.read(piece, 0, piece.byteLength, offset + done);
        if (bytesRead === 0) throw new Error(`${real} got shorter while it was read`);
        done += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}
