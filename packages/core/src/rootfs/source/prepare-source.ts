import type { CallOptions } from "@tranship/registry";
import { RootfsError } from "../errors.ts";
import { exportModeOf } from "./export-mode.ts";
import { validateImageRef } from "./image-reference.ts";
import { prepareDocker, prepareLocalDocker } from "./modes/prepare-docker.ts";
import { prepareDockerless } from "./modes/prepare-dockerless.ts";
import { prepareNative } from "./prepare-native.ts";
import type { ExportMode, PreparedSource, SourceSpec } from "./source.ts";

type Prepare = (spec: SourceSpec, options: CallOptions) => Promise<PreparedSource>;

const ways: Readonly<Record<ExportMode, Prepare>> = {
  native: prepareNative,
  dockerless: prepareDockerless,
  docker: prepareDocker,
};

/**
 * Finds an image and pins it. How it will be exported is chosen here, once; nothing changes over to another way when this
 * one fails.
 * @throws RootfsError `REFERENCE_INVALID` before any program is started or anything asked; what the way of reading throws
 */
export async function prepareSource(spec: SourceSpec, options: CallOptions = {}): Promise<PreparedSource> {
  return await prepare(spec, ways, options);
}

/**
 * The same for an image that was prepared before. It differs only for `docker`: the daemon must still have the image, nothing
 * is pulled, and `cleanup` leaves everything as it is.
 * @throws RootfsError as {@link prepareSource}
 */
export async function prepareLocalSource(spec: SourceSpec, options: CallOptions = {}): Promise<PreparedSource> {
  return await prepare(spec, { ...ways, docker: prepareLocalDocker }, options);
}

async function prepare(spec: SourceSpec, by: typeof ways, { signal }: CallOptions): Promise<PreparedSource> {
  signal?.throwIfAborted();
  if (!spec.repository) validateImageRef(spec.imageRef);
  const mode = await modeOf(spec);
  return await by[mode](spec, { signal });
}

/** A repository that is given can only be read natively. */
async function modeOf({ repository, mode, environment, imageRef }: SourceSpec): Promise<ExportMode> {
  if (!repository) return mode ?? (await exportModeOf(environment));
  if (mode === undefined || mode === "native") return "native";
  const reason = `${mode} asks registries itself, and reads no repository that is given to it`;
  throw new RootfsError("SOURCE_UNPREPARED", `cannot prepare ${imageRef}: ${reason}`, { reference: imageRef, reason });
}
