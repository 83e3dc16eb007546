import type { CallOptions } from "../../repository.ts";
import type { HttpRegistry, RemoteRegistry, RemoteRegistryRepository } from "../http-registry.ts";
import type { Mirrors } from "./mirrors.ts";

/** A registry whose content may come from mirrors. Owns both. */
export class MirroredRegistry implements RemoteRegistry {
  readonly name: string;
  readonly #registry: HttpRegistry;
  readonly #mirrors: Mirrors;

  constructor(registry: HttpRegistry, mirrors: Mirrors) {
    this.name = registry.name;
    this.#registry = registry;
    this.#mirrors = mirrors;
  }

  repository(path: string): RemoteRegistryRepository {
    return this.#mirrors.over(this.#registry.pathBelow(path), this.#registry.repository(path));
  }

  repositories(options?: CallOptions): AsyncIterable<string> {
    return this.#registry.repositories(options);
  }

  async close(): Promise<void> {
    await Promise.all([this.#registry.close(), this.#mirrors[Symbol.asyncDispose]()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
