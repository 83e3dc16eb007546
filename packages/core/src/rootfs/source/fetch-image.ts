import { join } from "node:path";
import type { CallOptions } from "@tranship/registry";
import { RootfsError } from "../errors.ts";
import { defaultRootfsLimits } from "../limits.ts";
import type { OnPullProgress } from "../progress/pull-progress.ts";
import { splitImageRef } from "./image-reference.ts";
import { copyToLayout } from "./modes/copy-to-layout.ts";
import { preparedDocker } from "./modes/prepared-docker.ts";
import { saveDockerImage } from "./modes/save-docker.ts";
import { openSource } from "./open-source.ts";
import { resolveImage } from "./resolve-image.ts";
import type { ExportMode, PreparedSource, ResolvedImage } from "./source.ts";

/** Options of {@link fetchImage}. */
export interface FetchImageOptions extends CallOptions {
  /** Where skopeo and a daemon put the image; a folder that is there. What is put there is the caller's to remove. */
  readonly directory: string;
  /** @defaultValue the one the source was prepared with */
  readonly onPullProgress?: OnPullProgress | undefined;
  /** @defaultValue that of {@link defaultRootfsLimits} */
  readonly maxLayers?: number | undefined;
}

/** An image whose layers can be read. Dispose of it when all is read. */
export interface FetchedImage extends AsyncDisposable {
  readonly image: ResolvedImage;
}

type Fetch = (source: PreparedSource, options: FetchImageOptions) => Promise<FetchedImage>;

const ways: Readonly<Record<ExportMode, Fetch>> = {
  native: async ({ image, localRef: reference }) => {
    if (image) return fetched(image);
    const reason = "its manifest was not kept";
    throw new RootfsError("SOURCE_UNPREPARED", `cannot export ${reference}: ${reason}`, { reference, reason });
  },
  dockerless: async (source, { directory, ...options }) =>
    fetched(await copyToLayout(source, join(directory, "layout"), options)),
  docker: async (source, { directory, signal, maxLayers = defaultRootfsLimits.maxLayers }) => {
    const { platform } = preparedDocker(source);
    const path = join(directory, "image.tar");
    await saveDockerImage(source, path, { signal });
    const archive = await openSource({ kind: "docker-archive", path }, undefined, { signal });
    try {
      const { repository, reference } = archive.spec;
      const { name } = splitImageRef(source.localRef);
      const { image } = await resolveImage(repository, reference, { name, platform, maxLayers, signal });
      return { image, [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose]() };
    } catch (error) {
      await archive[Symbol.asyncDispose]();
      throw error;
    }
  },
};

/**
 * Makes the layers of a prepared image readable, in the mode it was prepared in: what is on `PATH` by now, or what the
 * environment says, does not matter. A native source is read where it is, and nothing is asked of its registry but layers;
 * skopeo copies the image into an image layout; a daemon saves it as an archive. All are then read in the same way.
 * @throws RootfsError `SOURCE_UNPREPARED`; what {@link copyToLayout} and {@link saveDockerImage} throw
 */
export async function fetchImage(source: PreparedSource, options: FetchImageOptions): Promise<FetchedImage> {
  options.signal?.throwIfAborted();
  return await ways[source.exportMode](source, options);
}

function fetched(image: ResolvedImage): FetchedImage {
  return { image, [Symbol.asyncDispose]: async () => {} };
}
