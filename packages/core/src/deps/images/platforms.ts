import type { Platform } from "@tranship/registry";

/**
 * Whether two images are for the same machines: of one system and architecture, and of one variant or of none said. Plain
 * amd64 is not amd64/v3: that runs on fewer machines. Images without a platform are for the same.
 */
export function isSamePlatform(a: Platform | undefined, b: Platform | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.os !== b.os || a.architecture !== b.architecture) return false;
  const [aVersion, bVersion] = [a["os.version"], b["os.version"]];
  if (aVersion !== undefined && bVersion !== undefined && aVersion !== bVersion) return false; // of Windows
  return isSameVariant(a.architecture, a.variant || undefined, b.variant || undefined);
}

/** The platform an image's config names; `undefined` for what is no image's config. */
export function platformOfConfig(bytes: Uint8Array): Platform | undefined {
  try {
    const config: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const { os, architecture, variant } = (config ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof os !== "string" || typeof architecture !== "string" || os === "" || architecture === "")
      return undefined;
    return { os, architecture, ...(typeof variant === "string" && variant !== "" ? { variant } : {}) };
  } catch {
    return undefined;
  }
}

/** The platform in one word, for putting several in order. */
export function formatPlatform({ os, architecture, variant = "", "os.version": version = "" }: Platform): string {
  return [os, architecture, variant, version].join("/");
}

function isSameVariant(architecture: string, a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  if (a !== undefined && b !== undefined) return false;
  return architecture !== "amd64" || (a ?? b) === "v1";
}
