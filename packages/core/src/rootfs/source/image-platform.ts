import type { Descriptor } from "@tranship/registry";
import { isPlatform, type WantedPlatform } from "../../plan/platforms/platforms.ts";

/** Names some builders write in place of the specification's. */
const aliases: Readonly<Record<string, Pick<WantedPlatform, "architecture" | "variant">>> = {
  x86_64: { architecture: "amd64" },
  "x86-64": { architecture: "amd64" },
  x64: { architecture: "amd64" },
  i386: { architecture: "386" },
  ia32: { architecture: "386" },
  aarch64: { architecture: "arm64" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v6" },
};

/** Variants an image need not name. */
const plainVariants: ReadonlySet<string> = new Set(["amd64/v1", "arm64/v8", "arm/v7"]);

/** `linux` on this machine's architecture. */
export function hostPlatform(architecture: string = process.arch): WantedPlatform {
  return usualPlatform({ os: "linux", architecture });
}

/** A platform by the names the specification has for it. */
export function usualPlatform({ os, architecture, variant }: WantedPlatform): WantedPlatform {
  const known = aliases[architecture.toLowerCase()];
  const own = variant || known?.variant;
  return {
    os: os.toLowerCase(),
    architecture: known?.architecture ?? architecture,
    ...(own === undefined ? {} : { variant: own }),
  };
}

/** The platform an index gives a child; one it says nothing of counts as `linux/amd64`. */
export function platformOfChild({ platform }: Descriptor): WantedPlatform {
  return platform ? usualPlatform(platform) : { os: "linux", architecture: "amd64" };
}

/** Whether a child of an index only tells something about the others, such as who built them. */
export function isAttestation({ platform, annotations, artifactType }: Descriptor): boolean {
  if (platform?.os === "unknown" || platform?.architecture === "unknown") return true;
  return annotations?.["vnd.docker.reference.type"] !== undefined || (artifactType !== undefined && !platform);
}

/**
 * How well a platform does for the one that is wanted, 0 the best; `undefined` when it does not. Asked with a variant, one
 * that says so comes before one that only means it; asked without, the plainest comes first.
 */
export function fitOf(platform: WantedPlatform, wanted: WantedPlatform): number | undefined {
  if (!isPlatform(platform, wanted)) return undefined;
  const { architecture, variant } = platform;
  if (wanted.variant !== undefined) return variant === wanted.variant ? 0 : 1;
  if (variant === undefined) return 0;
  return plainVariants.has(`${architecture}/${variant}`) ? 1 : 2;
}
