import { mkdir, mkdtemp } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { runTool } from "../../ext4/run-tool.ts";
import { fileError } from "../../file-error.ts";
import { putInPlace } from "../../output/put-in-place.ts";
import type { PreparedSource } from "../source.ts";
import { type CopyToLayoutOptions, copyToLayout, layoutTag } from "./copy-to-layout.ts";
import { preparedDockerless } from "./prepared-dockerless.ts";
import { removeTree } from "./remove-tree.ts";

/**
 * Makes the directory tree of a source that was prepared in `dockerless` mode: skopeo copies the image, umoci unpacks it.
 * Both work beside the destination, in a folder only the owner may enter, and what was at the destination is replaced in one
 * step once all is there; until then, and on any failure, it stays as it was. Without root, umoci keeps owners as far as it
 * can: in `user.rootlesscontainers` attributes. `umoci` knows no layers that are packed with zstd: those, tar archives and
 * ext4 images are made from {@link copyToLayout}'s layout in our own way.
 * @throws RootfsError `SOURCE_UNPREPARED`, `TOOL_MISSING`, `TOOL_FAILED`, `TOOL_UNFIT`, `IMAGE_INVALID`, `FILE_FAILED`, `NO_SPACE`
 */
export async function exportDockerless(
  source: PreparedSource,
  destination: string,
  options: CopyToLayoutOptions = {},
): Promise<void> {
  const { access, image } = preparedDockerless(source);
  options.signal?.throwIfAborted();
  const target = resolve(destination);
  const work = await workFolder(dirname(target));
  try {
    await copyToLayout(source, join(work, "image"), options);
    const rootless = process.geteuid?.() === 0 ? [] : ["--rootless"];
    await runTool("umoci", ["unpack", ...rootless, "--image", `image:${layoutTag}`, "bundle"], {
      step: `unpack ${image.reference}`,
      cwd: work, // umoci takes what follows a colon for a tag, and paths may have one
      environment: access.environment,
      signal: options.signal,
    });
    await removeTree(join(work, "image")); // early: it is as much again
    options.signal?.throwIfAborted();
    await putInPlace(join(work, "bundle", "rootfs"), target, join(work, "replaced"));
  } finally {
    await removeTree(work);
  }
}

async function workFolder(parent: string): Promise<string> {
  try {
    await mkdir(parent, { recursive: true });
    return await mkdtemp(join(parent, ".dockerless-rootfs-"));
  } catch (error) {
    throw fileError(error, parent);
  }
}
