import { RootfsError } from "../../errors.ts";
import type { PreparedSource, ResolvedImage } from "../source.ts";
import type { SkopeoAccess } from "./skopeo.ts";

/** What a copy needs of an image that skopeo found. */
export interface PreparedDockerless {
  readonly access: SkopeoAccess;
  readonly image: ResolvedImage;
}

const prepared = new WeakMap<PreparedSource, PreparedDockerless>();

/** Keeps for a prepared source what only this mode knows. */
export function rememberDockerless(source: PreparedSource, dockerless: PreparedDockerless): void {
  prepared.set(source, dockerless);
}

/** What was kept for it. @throws RootfsError `SOURCE_UNPREPARED` */
export function preparedDockerless(source: PreparedSource): PreparedDockerless {
  const dockerless = prepared.get(source);
  if (dockerless !== undefined) return dockerless;
  const details = { reference: source.localRef, reason: "skopeo was not asked for it" };
  throw new RootfsError("SOURCE_UNPREPARED", `cannot export ${source.localRef}: ${details.reason}`, details);
}
