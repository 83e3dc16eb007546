import { basename, dirname, resolve } from "node:path";
import { type Digest, parseManifest } from "@tranship/registry";
import { ImageLayout } from "../../../layout/image-layout.ts";
import { RootfsError } from "../../errors.ts";
import { runTool } from "../../ext4/run-tool.ts";
import type { OnPullProgress } from "../../progress/pull-progress.ts";
import type { PreparedSource, ResolvedImage } from "../source.ts";
import { LayoutWatch } from "./layout-watch.ts";
import { type PreparedDockerless, preparedDockerless } from "./prepared-dockerless.ts";
import { accessOptions } from "./skopeo.ts";

/** The one tag of a copied layout: what the image is called elsewhere must not matter, and umoci wants one. */
export const layoutTag = "rootfs";

/** How long skopeo may print nothing while a layer is copied, in milliseconds: without a terminal it says one line a layer. */
const copyTimeoutMs = 6 * 60 * 60 * 1000;

/** Options of {@link copyToLayout}. */
export interface CopyToLayoutOptions {
  readonly signal?: AbortSignal | undefined;
  /** @defaultValue the one the source was prepared with */
  readonly onPullProgress?: OnPullProgress | undefined;
  /** How often the growing layout is looked at for that, in milliseconds. @defaultValue 500 */
  readonly pollMs?: number | undefined;
}

/**
 * Copies an image that was prepared in `dockerless` mode into a new OCI image layout, by the digest it was pinned to. Skopeo
 * tells no bytes without a terminal: how far it is, is seen from the files it writes. What it wrote is held against the
 * manifest: all layers and the config, each by digest.
 * @param directory - does not exist, or is empty
 * @returns the image as it is read from the layout; who hashes its layers proves their bytes
 * @throws RootfsError `SOURCE_UNPREPARED`, `TOOL_MISSING`, `TOOL_FAILED`, `TOOL_UNFIT`, `IMAGE_INVALID`
 */
export async function copyToLayout(
  source: PreparedSource,
  directory: string,
  { signal, onPullProgress = source.onPullProgress, pollMs }: CopyToLayoutOptions = {},
): Promise<ResolvedImage> {
  const prepared = preparedDockerless(source);
  const place = resolve(directory);
  if (onPullProgress === undefined) {
    await copy(prepared, place, signal);
  } else {
    await using watch = new LayoutWatch(place, prepared.image, { onPullProgress, pollMs });
    const ends = signal === undefined ? watch.failed : AbortSignal.any([signal, watch.failed]);
    await copy(prepared, place, ends, (chunk) => watch.read(chunk));
    await watch.finish();
  }
  const layout = await ImageLayout.open(place);
  await requireSame(layout, prepared.image, signal);
  return { ...prepared.image, repository: layout };
}

async function copy(
  { access, image }: PreparedDockerless,
  directory: string,
  signal: AbortSignal | undefined,
  onStdout?: (chunk: Uint8Array) => void,
): Promise<void> {
  // The folder by its last name alone: a colon anywhere before it would be taken for the tag's.
  const target = `oci:./${basename(directory)}:${layoutTag}`;
  const options = [...accessOptions(access, "copy"), "--dest-oci-accept-uncompressed-layers"];
  await runTool("skopeo", ["copy", ...options, "--", `docker://${image.reference}`, target], {
    step: `copy ${image.reference}`,
    cwd: dirname(directory),
    environment: access.environment,
    idleTimeoutMs: copyTimeoutMs,
    signal,
    onStdout,
    onStderr: onStdout,
  });
}

/** Docker's manifests are written as OCI's, with another digest; what they point to must be the same. */
async function requireSame(layout: ImageLayout, image: ResolvedImage, signal: AbortSignal | undefined): Promise<void> {
  const blobs = blobsOf(parseManifest(await layout.manifest(layoutTag, { signal })));
  const wanted = blobsOf(parseManifest(image.manifest));
  if (blobs.length === wanted.length && blobs.every((digest, at) => digest === wanted[at])) return;
  const reason = "skopeo wrote other layers than its manifest lists, or another config";
  throw new RootfsError("IMAGE_INVALID", `cannot use ${image.reference}: ${reason}`, {
    reference: image.reference,
    reason,
  });
}

function blobsOf(content: ReturnType<typeof parseManifest>): readonly Digest[] {
  return content.kind === "image" ? [content.config.digest, ...content.layers.map(({ digest }) => digest)] : [];
}
