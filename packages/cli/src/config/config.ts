import type {
  AttachedKinds,
  ChecksumKind,
  ImageRewrite,
  ImageSelection,
  OnConflict,
  PlatformMode,
} from "@tranship/core";

/** What `tranship.yaml` says, as it is written there: relative paths are of the file's folder. */
export interface Config {
  readonly version?: 1 | undefined;
  readonly source?: string | undefined;
  readonly bundle?: string | undefined;
  readonly target?: string | undefined;
  readonly packages?: PackagesConfig | undefined;
  readonly modules?: ModulesConfig | undefined;
  readonly images?: ImagesConfig | undefined;
  readonly platforms?: readonly string[] | undefined;
  readonly platformMode?: PlatformMode | undefined;
  readonly referrers?: AttachedKinds | undefined;
  readonly onlyExtraImages?: boolean | undefined;
  readonly proxyRegistry?: boolean | undefined;
  readonly pull?: PullConfig | undefined;
  readonly push?: PushConfig | undefined;
  readonly verify?: VerifyConfig | undefined;
  readonly serve?: ServeConfig | undefined;
  readonly rootfs?: RootfsConfig | undefined;
  readonly connection?: ConnectionConfig | undefined;
  /** Other places by the registry, or the path in one, whose content they have. */
  readonly mirrors?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** By `host` or `host:port`. */
  readonly registries?: Readonly<Record<string, RegistryConfig>> | undefined;
}

/** A name and which of its versions, as one expression or apart. */
export type NameConfig = string | { readonly name: string; readonly versions?: string | undefined };

/** Which packages are mirrored, and where they go. */
export interface PackagesConfig {
  readonly enabled?: boolean | undefined;
  readonly catalogMetadata?: boolean | undefined;
  readonly include?: readonly NameConfig[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly targetPath?: string | undefined;
}

/** Which modules are mirrored, where they lie and where they go. */
export interface ModulesConfig {
  readonly enabled?: boolean | undefined;
  readonly include?: readonly NameConfig[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly sourcePath?: string | undefined;
  readonly targetPath?: string | undefined;
}

/** Which images of any registries are mirrored, and where they go. */
export interface ImagesConfig {
  readonly include?: readonly (string | ImageSelection)[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly host?: "keep" | "strip" | undefined;
  readonly prefix?: string | undefined;
  readonly rewrites?: readonly ImageRewrite[] | undefined;
}

/** How bundles are planned and written. */
export interface PullConfig {
  readonly chunkSize?: string | number | undefined;
  readonly checksums?: readonly ChecksumKind[] | undefined;
  readonly base?: readonly string[] | undefined;
  readonly plan?: string | undefined;
  readonly frozen?: boolean | undefined;
  readonly keepGoing?: boolean | undefined;
  readonly accessTimeout?: string | number | undefined;
  readonly force?: boolean | undefined;
  readonly verboseSummary?: boolean | undefined;
}

/** How bundles are pushed. */
export interface PushConfig {
  readonly files?: readonly string[] | undefined;
  readonly onConflict?: OnConflict | undefined;
  readonly trustBundle?: boolean | undefined;
  readonly writeProbe?: boolean | undefined;
}

/** What is verified. */
export interface VerifyConfig {
  readonly place?: "bundle" | "target" | undefined;
  readonly plan?: string | undefined;
  readonly evidence?: string | undefined;
}

/** What is served, and to whom. */
export interface ServeConfig {
  readonly place?: string | undefined;
  readonly listen?: string | undefined;
  readonly writable?: boolean | undefined;
  readonly credentials?: CredentialReference | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly verbose?: boolean | undefined;
}

/** How root file systems are made. */
export interface RootfsConfig {
  readonly platform?: string | undefined;
  readonly mode?: "native" | "dockerless" | "docker" | undefined;
  readonly journal?: boolean | undefined;
  readonly layerCache?: string | undefined;
  readonly jobs?: number | undefined;
}

/** How a registry is reached, and how much is asked of it at once. */
export interface ConnectionConfig {
  readonly timeout?: string | number | undefined;
  /** `false` for none. */
  readonly proxy?: string | false | undefined;
  readonly downloads?: number | undefined;
  readonly uploads?: number | undefined;
  readonly lookups?: number | undefined;
  readonly requestsPerSecond?: number | undefined;
  readonly bytesPerSecond?: string | number | undefined;
  readonly ca?: string | undefined;
}

/** The same of one registry, and who asks it. */
export interface RegistryConfig extends ConnectionConfig {
  readonly credentials?: CredentialReference | undefined;
  readonly insecure?: boolean | undefined;
  readonly tlsSkipVerify?: boolean | undefined;
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
}

/** Where credentials are found; exactly one of these. Never what they are. */
export interface CredentialReference {
  /** What docker or podman keep: `true` for where they keep it, else a file of that kind. */
  readonly docker?: true | string | undefined;
  /** Names of environment variables: a user name and its password, or a license token. */
  readonly env?:
    | {
        readonly username?: string | undefined;
        readonly password?: string | undefined;
        readonly license?: string | undefined;
      }
    | undefined;
  /** A file with one line, `username:password`. */
  readonly file?: string | undefined;
}
