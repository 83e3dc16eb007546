import type { CallOptions, Descriptor, Digest, Registry, Tag } from "@tranship/registry";
import type { AskedTarget } from "./target-names.ts";

/** A target as it was when it was first asked: every answer is kept, for rounds that come after its first writes. */
export class AskedOnce implements AskedTarget {
  readonly #target: Registry;
  readonly #named = new Map<string, Descriptor | undefined>();
  readonly #referrers = new Map<string, readonly Descriptor[]>();

  constructor(target: Registry) {
    this.#target = target;
  }

  repository(path: string): ReturnType<AskedTarget["repository"]> {
    const repository = this.#target.repository(path);
    return {
      name: repository.name,
      // not kept: what is asked of these is whether a tag's old image is whole, which no write of ours makes worse
      manifest: (reference, options) => repository.manifest(reference, options),
      statBlob: (digest, options) => repository.statBlob(digest, options),
      resolve: (reference, options) => this.#resolve(path, reference, options),
      referrers: (subject, options) => this.#listed(path, subject, options),
    };
  }

  async #resolve(path: string, reference: Tag | Digest, options?: CallOptions): Promise<Descriptor | undefined> {
    const key = `${path} ${reference}`;
    if (!this.#named.has(key)) {
      this.#named.set(key, await this.#target.repository(path).resolve(reference, options));
    }
    return this.#named.get(key);
  }

  async *#listed(path: string, subject: Digest, options?: CallOptions): AsyncGenerator<Descriptor> {
    const key = `${path} ${subject}`;
    let listed = this.#referrers.get(key);
    if (!listed) {
      const all: Descriptor[] = [];
      for await (const one of this.#target.repository(path).referrers(subject, options)) all.push(one);
      this.#referrers.set(key, all);
      listed = all;
    }
    yield* listed;
  }
}
