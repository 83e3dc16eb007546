import { graphOf } from "@tranship/core";
import type { RegistryReader } from "@tranship/registry";
import type { ReferencePush } from "./reference-reader.ts";

/** Everything a registry holds under a tag, with all that belongs to it, as the reference's list of pushes says it. */
export async function pushedTo(registry: RegistryReader): Promise<readonly ReferencePush[]> {
  const pushes: ReferencePush[] = [];
  for await (const path of registry.repositories()) {
    const repository = registry.repository(path);
    for await (const tag of repository.tags()) {
      const descriptor = await repository.resolve(tag);
      if (!descriptor) throw new Error(`${path}:${tag} is listed and not there`);
      const { manifests, blobs } = await graphOf(repository, descriptor);
      for (const { digest, size } of blobs) {
        if ((await repository.statBlob(digest))?.size !== size) throw new Error(`${path} lacks ${digest}`);
      }
      const { mediaType, digest } = descriptor;
      const children = manifests.map((manifest) => manifest.descriptor.digest).filter((child) => child !== digest);
      pushes.push({
        repository: path,
        tag,
        mediaType,
        digest,
        children: children.sort(),
        blobs: blobs.map((blob) => blob.digest).sort(),
      });
    }
  }
  return inOrder(pushes);
}

/** By repository and tag. */
export function inOrder(pushes: readonly ReferencePush[]): readonly ReferencePush[] {
  const key = ({ repository, tag }: ReferencePush) => `${repository}:${tag}`;
  return pushes.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** `pushes` without the names that announce packages, modules and plugins, and those names by catalog. */
export function withoutDiscovery(
  pushes: readonly ReferencePush[],
  catalogs: readonly string[] = ["modules", "packages", "deckhouse-cli/plugins"],
): { readonly images: readonly ReferencePush[]; readonly names: Readonly<Record<string, readonly string[]>> } {
  const images = pushes.filter(({ repository }) => !catalogs.includes(repository));
  const names = catalogs.map((root) => [
    root,
    pushes.filter(({ repository }) => repository === root).map(({ tag }) => tag),
  ]);
  return { images, names: Object.fromEntries(names) };
}
