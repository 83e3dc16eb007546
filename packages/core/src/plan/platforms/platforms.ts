import type { Platform } from "@tranship/registry";
import { MirrorError } from "../../errors.ts";
import { compareText } from "../../layout/index-file.ts";

/** A platform that is asked for: `variant` only where one is. */
export type WantedPlatform = Pick<Platform, "os" | "architecture" | "variant">;

/**
 * What becomes of an index of which only some platforms are wanted: it is made anew with these alone and gets another
 * digest (`narrow`), or it stays as it is, and what is left out is declared (`sparse`).
 */
export type PlatformMode = "narrow" | "sparse";

/** Which platforms are wanted of images, and what becomes of their indexes. */
export interface PlatformChoice {
  readonly wanted: readonly WantedPlatform[];
  readonly mode: PlatformMode;
}

const part = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Variants that an image need not name, by architecture. @see image-spec v1.1, "Platform Variants" */
const usualVariants: Readonly<Record<string, string>> = { arm64: "v8", arm: "v7" };

/**
 * Reads `os/architecture` or `os/architecture/variant`, such as `linux/arm64` or `linux/arm/v7`.
 * @throws MirrorError `SELECTION_INVALID`
 */
export function parsePlatform(text: string): WantedPlatform {
  const [os, architecture, variant, ...rest] = text.trim().toLowerCase().split("/");
  const parts = [os, architecture, ...(variant === undefined ? [] : [variant])];
  if (os && architecture && rest.length === 0 && parts.every((one) => one !== undefined && part.test(one)))
    return { os, architecture, ...(variant === undefined ? {} : { variant }) };
  const hint = "write os/architecture, such as linux/arm64, or os/architecture/variant";
  const message = `cannot read ${JSON.stringify(text.slice(0, 200))} as a platform; ${hint}`;
  throw new MirrorError("SELECTION_INVALID", message, { expression: text, hint });
}

/** The text {@link parsePlatform} reads. */
export function formatPlatform({ os, architecture, variant }: WantedPlatform): string {
  return variant === undefined || variant === "" ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/**
 * Reads the platforms of a selection, each once, in the order of their text; `undefined`, for all, where none are named.
 * @throws MirrorError `SELECTION_INVALID`
 */
export function parsePlatforms(texts: readonly string[] = []): readonly WantedPlatform[] | undefined {
  if (texts.length === 0) return undefined;
  const named = new Set(texts.map((text) => formatPlatform(parsePlatform(text))));
  return [...named].sort(compareText).map(parsePlatform);
}

/** Whether an image of a platform is one that is asked for. Asked without a variant, any will do. */
export function isPlatform(platform: WantedPlatform, wanted: WantedPlatform): boolean {
  if (platform.os !== wanted.os || platform.architecture !== wanted.architecture) return false;
  if (wanted.variant === undefined) return true;
  return (platform.variant || usualVariants[platform.architecture]) === wanted.variant;
}
