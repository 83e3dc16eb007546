import type { RegistryEvent } from "../events.ts";
import { type ResponseHeaders, warningsOf } from "./headers.ts";

/** More different warnings than these are not told: a registry that numbers them must not fill memory. */
const maxTold = 100;

/**
 * Tells each warning of a registry once.
 * @see distribution-spec v1.1.1, "Warnings"
 */
export class Warnings {
  readonly #registry: string;
  readonly #onEvent: ((event: RegistryEvent) => void) | undefined;
  readonly #told = new Set<string>();

  constructor(registry: string, onEvent?: (event: RegistryEvent) => void) {
    this.#registry = registry;
    this.#onEvent = onEvent;
  }

  /** Looks at one answer of the registry, and `sent`, the `Authorization` header it answers. */
  see(headers: ResponseHeaders, sent?: string): void {
    if (!this.#onEvent || headers.warning === undefined) return;
    for (const message of warningsOf(headers, sent)) {
      if (this.#told.has(message) || this.#told.size >= maxTold) continue;
      this.#told.add(message);
      this.#onEvent({ type: "registry.warned", registry: this.#registry, message });
    }
  }
}
