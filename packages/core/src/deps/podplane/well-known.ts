/** The kind of machine that is meant where none is named: control planes. Workers are `knd`. */
export const defaultKind = "knc";

/** The operating system of all machines. */
export const osName = "debian-13";

/** The name under which a machine's disk image is one of its items. */
export const osImageName = "os-image";

/** The name of the item that configures a machine. */
export const vmConfigName = "vmconfig";

/** The architectures machines may have. */
export const supportedArchs: readonly string[] = ["amd64", "arm64"];

/** How many files and blobs are fetched at a time from registries that do not bear more. */
export const registryLimits: Readonly<Record<string, number>> = { "public.ecr.aws": 1 };

/** What changed between releases of Podplane. */
export interface PodplaneProfile {
  /** Where manifests are published. */
  readonly baseUrl: string;
  /** The environment variable that names another place. */
  readonly baseUrlVariable: string;
  /** What stands before the names of repositories in the image store; empty for nothing. */
  readonly storePrefix: string;
  /** Which folder of a cache, or beside it, is the image store. */
  readonly imageStore: "components/images" | "registry";
  /** Addons that are always wanted. */
  readonly recommendedAddons: readonly string[];
}

/** The profiles by the release they began with. */
export const podplaneProfiles: Readonly<Record<"v0.1" | "v0.8", PodplaneProfile>> = {
  "v0.1": {
    baseUrl: "https://cli.podplane.dev/deps",
    baseUrlVariable: "PODPLANE_DEPS_BASE_URL",
    storePrefix: "",
    imageStore: "components/images",
    recommendedAddons: ["cert-manager", "platform-certs", "traefik"],
  },
  "v0.8": {
    baseUrl: "https://deps.podplane.dev",
    baseUrlVariable: "PODPLANE_DEPS_URL",
    storePrefix: "mirror",
    imageStore: "registry",
    recommendedAddons: [
      "agent-sandbox",
      "cert-manager",
      "platform-certs",
      "podplane-operator",
      "secrets-store-csi-driver",
      "traefik",
      "trust-manager",
    ],
  },
};
