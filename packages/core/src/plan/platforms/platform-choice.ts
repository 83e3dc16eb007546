import { MirrorError } from "../../errors.ts";
import { formatPlatform, type PlatformChoice, type PlatformMode, parsePlatforms } from "./platforms.ts";

/** Options of a service that say which platforms are brought, and how. */
export interface PlatformOptions {
  /**
   * Of an image for several platforms, only those of these, such as `linux/arm64` or `linux/arm/v7`. @defaultValue all
   */
  readonly platforms?: readonly string[] | undefined;
  /**
   * What becomes of an index of which only some platforms are wanted: made anew with these alone, with another digest, unless
   * a digest was asked for (`narrow`); or kept as it is, while the plan, the bundle and its lock declare what is left out of
   * it (`sparse`). Signatures of the index hold only then. Registries that look for what an index lists refuse a sparse one.
   * @defaultValue "narrow"
   */
  readonly platformMode?: PlatformMode | undefined;
}

/** A {@link PlatformChoice} read from options, and what of it tells one selection from another. */
export interface ReadPlatforms {
  /** `undefined` when all platforms are wanted. */
  readonly choice: PlatformChoice | undefined;
  readonly selection: { readonly platforms: readonly string[]; readonly platformMode?: PlatformMode };
}

/** @throws MirrorError `SELECTION_INVALID` also for `sparse` without a platform */
export function readPlatforms({ platforms: texts, platformMode: mode = "narrow" }: PlatformOptions): ReadPlatforms {
  const wanted = parsePlatforms(texts);
  const platforms = wanted?.map(formatPlatform) ?? [];
  if (mode !== "narrow" && mode !== "sparse")
    throw invalid(mode, `${JSON.stringify(mode)} is no way to bring platforms`, "narrow or sparse is");
  if (!wanted && mode === "sparse")
    throw invalid(mode, "sparse leaves nothing out without a platform", "say which platforms are wanted");
  return {
    choice: wanted && { wanted, mode },
    selection: { platforms, ...(mode === "sparse" ? { platformMode: mode } : {}) },
  };
}

function invalid(expression: unknown, what: string, hint: string): MirrorError<"SELECTION_INVALID"> {
  return new MirrorError("SELECTION_INVALID", `${what}: ${hint}`, { expression: String(expression), hint });
}
