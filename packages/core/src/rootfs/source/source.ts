import type { Descriptor, Digest, Manifest, RegistryReader, RepositoryReader, Tag } from "@tranship/registry";
import type { WantedPlatform } from "../../plan/platforms/platforms.ts";
import type { RootfsLimits } from "../limits.ts";
import type { OnPullProgress } from "../progress/pull-progress.ts";
import type { DockerImageConfig } from "./image-config.ts";

/**
 * How an image becomes files: read by this package (`native`), by `skopeo` and `umoci` (`dockerless`), or by a Docker
 * daemon (`docker`). Chosen once, when a source is prepared.
 */
export type ExportMode = "native" | "dockerless" | "docker";

/** Who asks a registry. There only when at least one of the two is not empty. */
export interface RegistryAuthConfig {
  readonly username: string;
  readonly password: string;
}

/** How a host is asked. */
export interface RegistryAccess {
  /** As whom, where a source says so; else it is up to who opens the registry. */
  readonly auth?: RegistryAuthConfig | undefined;
  /** Whether the reference asked for plain HTTP with `http://`. Loopback hosts may speak it without. */
  readonly isPlainHttp: boolean;
}

/** Opens the registry of a host, such as `index.docker.io` or `registry.example.com:5000`. Who opens it closes it. */
export type OpenRegistry = (host: string, access: RegistryAccess) => RegistryReader;

/** Which image is wanted, and from where. */
export interface SourceSpec {
  /**
   * Such as `alpine`, `registry.example.com:5000/app:v1` or `app@sha256:…`, maybe with `docker://` and `http://` before it.
   */
  readonly imageRef: string;
  /** @defaultValue none */
  readonly registryUsername?: string | undefined;
  /** @defaultValue none */
  readonly registryPassword?: string | undefined;
  /**
   * Whether the credentials may travel where others can read them: over plain HTTP, or over plain TCP to a Docker daemon, on
   * another machine.
   * @defaultValue false: it ends with `CREDENTIALS_EXPOSED`
   */
  readonly allowExposedCredentials?: boolean | undefined;
  /** What becomes {@link PreparedSource.masterNodeIp}. @defaultValue none */
  readonly downloadBaseUrl?: string | undefined;
  /** Told how far the download is. @defaultValue nobody */
  readonly onPullProgress?: OnPullProgress | undefined;
  /** Opens registries by host, for `native`. Needed there unless a repository is given. */
  readonly from?: OpenRegistry | undefined;
  /**
   * The image's own repository: a bundle's, a layout's, an archive's. Nothing is then asked by host, and `imageRef` may be
   * anything that messages can call the image, with or without a tag or digest at its end.
   */
  readonly repository?: RepositoryReader | undefined;
  /** What to ask the repository for. @defaultValue the digest of `imageRef`, else its tag, else `latest` */
  readonly reference?: Tag | Digest | undefined;
  /** Ceilings that differ from the default ones; only `maxLayers` counts here. */
  readonly limits?: Partial<RootfsLimits> | undefined;
  /**
   * The platform that is wanted. Without a variant, any will do.
   * @defaultValue `linux` on this machine's architecture
   */
  readonly platform?: WantedPlatform | undefined;
  /** @defaultValue `native`, unless the environment turns it off; see {@link exportModeOf} */
  readonly mode?: ExportMode | undefined;
  /** Variables the choice of the mode and its tools go by. @defaultValue `process.env` */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** A layer of an image that is known and not read yet. */
export interface ImageLayer {
  /** Counts from 0, the base. */
  readonly layer: number;
  readonly descriptor: Descriptor;
  /** What the image's config says its unpacked bytes hash to. */
  readonly diffId: Digest;
}

/** An image whose manifest and config are at hand: nothing about it is asked again. */
export interface ResolvedImage {
  /** How messages name it, such as `docker.io/library/alpine@sha256:…`. */
  readonly reference: string;
  readonly manifest: Manifest;
  /** The base first. */
  readonly layers: readonly ImageLayer[];
  /** What it was made for; `undefined` where neither its config nor an index tells. */
  readonly platform: WantedPlatform | undefined;
  /** Where its layers are read. */
  readonly repository: RepositoryReader;
}

/** An image that was found, pinned by digest, and can be exported. */
export interface PreparedSource {
  /** The reference as it was written. */
  readonly localRef: string;
  /** Name and digest of the image manifest, such as `docker.io/library/alpine@sha256:…`. */
  readonly digest: string;
  /** The digest of the image manifest, the key of what is made of it; absent of an image only a daemon has. */
  readonly manifestDigest?: Digest | undefined;
  /** The digest of the index it was chosen from, where there was one. */
  readonly indexDigest?: Digest | undefined;
  readonly config: DockerImageConfig;
  /** Compact JSON of `Entrypoint`, `Cmd`, `Env`, `WorkingDir` and `User`, in this order. */
  readonly configJson: string;
  /** The normalized download base URL. The name is older than what it holds. */
  readonly masterNodeIp: string;
  /** A file with credentials for `skopeo`; empty for none. */
  readonly skopeoAuthFile: string;
  /** All layers together as they are stored, in bytes; 0 when that is unknown. */
  readonly compressedSizeBytes: number;
  /** All layers together unpacked, in bytes, where a daemon tells it. */
  readonly unpackedSizeBytes?: number | undefined;
  /** An export obeys it, whatever has changed since. */
  readonly exportMode: ExportMode;
  /** `null` without credentials. */
  readonly registryAuth: RegistryAuthConfig | null;
  readonly onPullProgress?: OnPullProgress | undefined;
  /** What `native` exports. */
  readonly image?: ResolvedImage | undefined;
  /** Takes away what preparing left behind. May be called again, and after an abort. */
  cleanup(): Promise<void>;
}
