import type { CallOptions } from "@tranship/registry";
import { RootfsError } from "../errors.ts";
import { exportModeOf } from "./export-mode.ts";
import { validateImageRef } from "./image-reference.ts";
import { prepareNative } from "./prepare-native.ts";
import type { ExportMode, PreparedSource, SourceSpec } from "./source.ts";

/**
 * Finds an image and pins it. How it will be exported is chosen here, once; nothing changes over to another way when this
 * one fails.
 * @throws RootfsError `REFERENCE_INVALID` before any program is started or anything asked; what the way of reading throws
 */
export async function prepareSource(spec: SourceSpec, { signal }: CallOptions = {}): Promise<PreparedSource> {
  signal?.throwIfAborted();
  if (!spec.repository) validateImageRef(spec.imageRef);
  const mode = await modeOf(spec);
  if (mode === "native") return await prepareNative(spec, { signal });
  const reason = `images are not read by ${mode} yet`;
  throw new RootfsError("SOURCE_UNPREPARED", `cannot prepare ${spec.imageRef}: ${reason}`, {
    reference: spec.imageRef,
    reason,
  });
}

/** A repository that is given can only be read natively. */
async function modeOf({ repository, mode, environment, imageRef }: SourceSpec): Promise<ExportMode> {
  if (!repository) return mode ?? (await exportModeOf(environment));
  if (mode === undefined || mode === "native") return "native";
  const reason = `${mode} asks registries itself, and reads no repository that is given to it`;
  throw new RootfsError("SOURCE_UNPREPARED", `cannot prepare ${imageRef}: ${reason}`, { reference: imageRef, reason });
}
