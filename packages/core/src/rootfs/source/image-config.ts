/** How an image wants to be checked for health; durations in nanoseconds. @see image-spec v1.1, "OCI Image Configuration" */
export interface ImageHealthcheck {
  /** The command, after `CMD` or `CMD-SHELL`; `["NONE"]` for none. */
  readonly test?: readonly string[] | undefined;
  readonly interval?: number | undefined;
  readonly timeout?: number | undefined;
  readonly startPeriod?: number | undefined;
  readonly startInterval?: number | undefined;
  readonly retries?: number | undefined;
}

/** How an image wants to be run. A list that is `null` was absent, which is not the same as empty. */
export interface DockerImageConfig {
  readonly entrypoint: readonly string[] | null;
  readonly cmd: readonly string[] | null;
  readonly env: readonly string[] | null;
  readonly workingDir: string;
  readonly user: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Such as `80/tcp`. */
  readonly exposedPorts?: readonly string[] | undefined;
  readonly volumes?: readonly string[] | undefined;
  readonly stopSignal?: string | undefined;
  readonly shell?: readonly string[] | undefined;
  readonly healthcheck?: ImageHealthcheck | undefined;
}
