import { constants } from "node:fs";
import { open } from "node:fs/promises";
import {
  childBlobs,
  childManifests,
  type Descriptor,
  type Digest,
  defaultMaxManifestBytes,
  digestAlgorithm,
  digestOf,
  type ImageIndex,
  type ImageManifest,
  isManifestMediaType,
  type Manifest,
  openBytes,
  type Platform,
  parseManifest,
  sniffManifestMediaType,
} from "@tranship/registry";
import { localIfAny } from "../../layout/atomic-file.ts";
import type { LayoutDirectory } from "../../layout/layout-directory.ts";
import type { ProbeContext } from "../jobs/item-job.ts";
import type { Presence } from "../plan.ts";
import { platformOfConfig } from "./platforms.ts";

/** Indexes nested deeper than this are not taken for whole: nothing of ours brings such. */
const maxDepth = 8;

/** Opening a pipe waits for somebody who writes to it, unless told not to. Windows has no such flag and no such pipes. */
const readAtOnce = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** A manifest of a layout. */
export interface KeptManifest extends Manifest {
  readonly content: ImageManifest | ImageIndex;
}

/** What was found of an image. */
export interface Wholeness {
  readonly presence: Exclude<Presence, "unpinned">;
  /** Of all that was found to belong to it, each file once. */
  readonly sizeBytes: number;
}

/** The manifests of a layout and what they lead to, looked at with what is known of files. */
export class KeptManifests {
  readonly directory: LayoutDirectory;
  readonly #context: ProbeContext;

  constructor(directory: LayoutDirectory, context: ProbeContext) {
    this.directory = directory;
    this.#context = context;
  }

  /** What is to be said of the file of a blob. @throws `signal.reason` */
  async check(blob: { readonly digest: Digest; readonly size?: number }): Promise<Presence> {
    const { contents, isDeep, signal } = this.#context;
    signal.throwIfAborted();
    return await contents.check(this.directory.fileOf(blob.digest), blob, { isDeep, signal });
  }

  /** A manifest; `undefined` when it is not there, or not what its digest says. */
  async read(digest: Digest): Promise<KeptManifest | undefined> {
    this.#context.signal.throwIfAborted();
    const bytes = await readSmallFile(this.directory.fileOf(digest), defaultMaxManifestBytes);
    if (bytes === undefined || digestOf(bytes, digestAlgorithm(digest)) !== digest) return undefined;
    const mediaType = sniffManifestMediaType(bytes);
    if (mediaType === undefined) return undefined;
    const manifest: Manifest = { descriptor: { mediaType, digest, size: bytes.byteLength }, bytes };
    try {
      return { ...manifest, content: parseManifest(manifest) };
    } catch {
      return undefined;
    }
  }

  /** Stores a manifest's bytes, unless they are there. @throws MirrorError `FILE_FAILED`, `NO_SPACE` */
  async store({ descriptor, bytes }: Manifest): Promise<void> {
    const { contents, signal } = this.#context;
    const blob = { digest: descriptor.digest, size: bytes.byteLength };
    if ((await this.check(blob)) === "present") return;
    await this.directory.writeBlob(blob, openBytes(bytes)(0), signal);
    await contents.note(this.directory.fileOf(blob.digest), blob.digest);
  }

  /**
   * Whether an image or index is there with all it leads to, through indexes of indexes too. What is in `leftOut` may be
   * missing; layers that live elsewhere are not looked for.
   */
  async wholeness(digest: Digest, leftOut: ReadonlySet<Digest> = new Set()): Promise<Wholeness> {
    const walk = new Walk(this, leftOut);
    const presence = await walk.visit({ digest }, 0);
    return { presence, sizeBytes: walk.sizeBytes };
  }

  /** The platform an image's config names, if it is an image's and there. */
  async platformOf(content: ImageManifest | ImageIndex): Promise<Platform | undefined> {
    if (content.kind === "index") return undefined;
    const { digest, size } = content.config;
    if (size > defaultMaxManifestBytes) return undefined;
    const bytes = await readSmallFile(this.directory.fileOf(digest), defaultMaxManifestBytes);
    return bytes && platformOfConfig(bytes);
  }
}

class Walk {
  readonly #kept: KeptManifests;
  readonly #leftOut: ReadonlySet<Digest>;
  readonly #seen = new Set<Digest>();
  sizeBytes = 0;

  constructor(kept: KeptManifests, leftOut: ReadonlySet<Digest>) {
    this.#kept = kept;
    this.#leftOut = leftOut;
  }

  async visit({ digest, size }: Pick<Descriptor, "digest"> & { readonly size?: number }, depth: number) {
    if (this.#seen.has(digest)) return "present";
    this.#seen.add(digest);
    if (depth > maxDepth) return "differs";
    const presence = settled(await this.#kept.check({ digest, ...(size === undefined ? {} : { size }) }));
    if (presence !== "present") return presence;
    const manifest = await this.#kept.read(digest);
    if (manifest === undefined) return "differs";
    this.sizeBytes += manifest.bytes.byteLength;
    const children = childManifests(manifest.content);
    const blobs = [
      ...childBlobs(manifest.content),
      ...children.filter((child) => !isManifestMediaType(child.mediaType)),
    ];
    const found = await Promise.all(blobs.map((blob) => this.#blob(blob)));
    for (const child of children.filter(({ mediaType }) => isManifestMediaType(mediaType))) {
      const whole: Wholeness["presence"] = await this.visit(child, depth + 1);
      if (whole === "absent" && this.#leftOut.has(child.digest)) continue;
      found.push(whole);
    }
    return found.find((one) => one !== "present") ?? "present";
  }

  async #blob(blob: Descriptor): Promise<Wholeness["presence"]> {
    if (this.#seen.has(blob.digest)) return "present";
    this.#seen.add(blob.digest);
    this.sizeBytes += blob.size;
    return settled(await this.#kept.check({ digest: blob.digest, size: blob.size }));
  }
}

function settled(presence: Presence): Wholeness["presence"] {
  return presence === "unpinned" ? "present" : presence; // files have digests: none is unpinned
}

/** The bytes of a file; `undefined` when there is none, or more than `maxBytes` of them. */
async function readSmallFile(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  return await localIfAny(path, async () => {
    const file = await open(path, readAtOnce);
    try {
      const found = await file.stat();
      return found.isFile() && found.size <= maxBytes ? new Uint8Array(await file.readFile()) : undefined;
    } finally {
      await file.close();
    }
  });
}
