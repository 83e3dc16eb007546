import {
  type Descriptor,
  type Digest,
  formatName,
  type Manifest,
  RegistryError,
  type RegistryReader,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";

/** Several registries as one: of what more than one has, the first one's is given. */
export function joinedRegistry(name: string, registries: readonly RegistryReader[]): RegistryReader {
  return {
    name,
    repository: (path) =>
      joinedRepository(
        `${name}/${path}`,
        registries.map((one) => one.repository(path)),
      ),
    async *repositories(options) {
      const seen = new Set<string>();
      for (const one of registries) for await (const path of one.repositories(options)) seen.add(path);
      yield* [...seen].sort();
    },
  };
}

function joinedRepository(name: string, repositories: readonly RepositoryReader[]): RepositoryReader {
  const missing = (reference: string) => {
    const message = `${formatName(name, reference as Tag)} is not there`;
    return new RegistryError("NOT_FOUND", message, { registry: name, reference });
  };
  const holding = async (has: (one: RepositoryReader) => Promise<unknown>) => {
    for (const one of repositories) if ((await has(one)) !== undefined) return one;
    return undefined;
  };
  return {
    name,
    async resolve(reference, options): Promise<Descriptor | undefined> {
      return await (await holding((one) => one.resolve(reference, options)))?.resolve(reference, options);
    },
    async manifest(reference, options): Promise<Manifest> {
      const one = await holding((other) => other.resolve(reference, options));
      if (one === undefined) throw missing(reference);
      return await one.manifest(reference, options);
    },
    async statBlob(digest, options) {
      return await (await holding((one) => one.statBlob(digest, options)))?.statBlob(digest, options);
    },
    async *fetchBlob(blob, options) {
      const one = await holding((other) => other.statBlob(blob.digest, options));
      if (one === undefined) throw missing(blob.digest);
      yield* one.fetchBlob(blob, options);
    },
    async *tags(options) {
      const seen = new Set<Tag>();
      let isThere = false;
      for (const one of repositories) {
        try {
          for await (const tag of one.tags(options)) seen.add(tag);
          isThere = true;
        } catch (error) {
          if (!(error instanceof RegistryError) || error.code !== "NOT_FOUND") throw error;
        }
      }
      if (!isThere) throw missing("");
      yield* seen;
    },
    async *referrers(subject, options) {
      const seen = new Set<Digest>();
      for (const one of repositories)
        for await (const referrer of one.referrers(subject, options)) {
          if (seen.has(referrer.digest)) continue;
          seen.add(referrer.digest);
          yield referrer;
        }
    },
  };
}
