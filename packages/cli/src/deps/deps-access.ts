import { allowHosts, type DepsAccess, DepsError } from "@tranship/core/deps";
import type { FileFetcher, RemoteRegistry } from "@tranship/registry";
import type { CliContext } from "../context.ts";
import type { DepsFlags } from "../flags/deps-flags.ts";
import { UsageError } from "../usage-error.ts";

/** How a cache reaches servers and registries: as flags, the configuration and the environment say. */
export class CliDepsAccess implements DepsAccess, AsyncDisposable {
  readonly files: FileFetcher & AsyncDisposable;
  readonly hosts: DepsAccess["hosts"];
  readonly #registries = new Map<string, Promise<RemoteRegistry>>();
  readonly #flags: DepsFlags;
  readonly #context: CliContext;

  private constructor(files: FileFetcher & AsyncDisposable, flags: DepsFlags, context: CliContext) {
    this.files = files;
    this.hosts = flags.allowHost.length === 0 ? undefined : hostsOf(flags.allowHost);
    this.#flags = flags;
    this.#context = context;
  }

  /** @throws UsageError for a flag that cannot be read */
  static async open(flags: DepsFlags, context: CliContext): Promise<CliDepsAccess> {
    return new CliDepsAccess(flags.offline ? nobody : await context.files(flags), flags, context);
  }

  /** The registry on a host; one for all that is asked of it. */
  readonly registry = (host: string): Promise<RemoteRegistry> => {
    const known = this.#registries.get(host);
    if (known) return known;
    const opened = this.#context.registry(host, this.#flags, "elsewhere");
    this.#registries.set(host, opened);
    return opened;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    for (const registry of await Promise.allSettled(this.#registries.values()))
      if (registry.status === "fulfilled") await registry.value[Symbol.asyncDispose]();
    await this.files[Symbol.asyncDispose]();
  }
}

/** In place of what takes time to prepare, such as reading all certificates, where it is never used. */
const nobody: FileFetcher & AsyncDisposable = {
  fetch: () => Promise.reject(new DepsError("OFFLINE", "cannot fetch files: working offline", { item: "files" })),
  async [Symbol.asyncDispose]() {},
};

function hostsOf(patterns: readonly string[]): NonNullable<DepsAccess["hosts"]> {
  try {
    return allowHosts(patterns);
  } catch (cause) {
    throw new UsageError(`--allow-host: ${(cause as Error).message}`, { cause });
  }
}
