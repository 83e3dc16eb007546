import { createRegistry } from "./create-registry.ts";
import type { RemoteRegistry } from "./http-registry.ts";
import type { RegistryOptions } from "./registry-options.ts";

/** Registries by their hosts, for who does not know them beforehand. Disposed, it closes all that were opened. */
export interface Registries extends AsyncDisposable {
  /**
   * The registry of a host, such as `ghcr.io` or `localhost:5000`; the same one for the same host. Bound: it can be handed on.
   * @throws as {@link createRegistry}
   */
  readonly of: (host: string) => RemoteRegistry;
}

/**
 * Opens registries by host, each when it is first asked for. `options` are those of all, or a function that gives a host's own.
 * Credentials for one host are for one host: give `dockerCredentials()` or a function, unless all hosts know the same user.
 */
export function createRegistries(options: RegistryOptions | ((host: string) => RegistryOptions) = {}): Registries {
  const opened = new Map<string, RemoteRegistry>();
  return {
    of(host) {
      const registry =
        opened.get(host) ?? createRegistry(host, typeof options === "function" ? options(host) : options);
      opened.set(host, registry);
      return registry;
    },
    async [Symbol.asyncDispose]() {
      const all = [...opened.values()];
      opened.clear();
      await Promise.all(all.map((registry) => registry[Symbol.asyncDispose]()));
    },
  };
}
