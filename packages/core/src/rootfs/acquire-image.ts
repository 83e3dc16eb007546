import { join } from "node:path";
import { RootfsError } from "./errors.ts";
import { copyToLayout } from "./source/modes/copy-to-layout.ts";
import type { PreparedSource, ResolvedImage } from "./source/source.ts";

/**
 * The image of a prepared source, ready to be read layer by layer. Sources that others read are first brought into `folder`
 * whole: by skopeo as an image layout, by a Docker daemon as an archive.
 * @throws RootfsError `SOURCE_UNPREPARED`, and what bringing it throws
 */
export async function acquireImage(
  source: PreparedSource,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<ResolvedImage> {
  if (source.exportMode === "dockerless") return await copyToLayout(source, join(folder, "layout"), { signal });
  if (source.image && source.exportMode === "native") return source.image;
  const reason = "its image was not resolved; prepare it with prepareSource()";
  const details = { reference: source.localRef, reason };
  throw new RootfsError("SOURCE_UNPREPARED", `cannot read ${source.localRef}: ${reason}`, details);
}
