import type { FileFetcher, Registry } from "@tranship/registry";
import type { HostPolicy } from "./trust/host-policy.ts";

/** How the world outside of the cache is reached. */
export interface DepsAccess {
  /** Fetches files of web servers. */
  readonly files: FileFetcher;
  /** The registry on a host, such as `registry.example.com:5000` or `docker.io`, with whatever credentials it takes. */
  readonly registry: (host: string) => Registry | Promise<Registry>;
  /** Which hosts may be asked; see {@link HostPolicy} for those that registries lead to. @defaultValue any */
  readonly hosts?: HostPolicy | undefined;
  /** The program that mirrors git repositories. @defaultValue `git` */
  readonly git?: string | undefined;
}
