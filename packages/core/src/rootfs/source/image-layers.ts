import {
  type Descriptor,
  type Digest,
  type ImageManifest,
  isForeignLayerMediaType,
  type RepositoryReader,
} from "@tranship/registry";
import { RootfsError } from "../errors.ts";
import { imageInvalid } from "./extract-config.ts";
import type { ImageLayer } from "./source.ts";
import { trying } from "./source-error.ts";

/**
 * The layers of an image with what they unpack to.
 * @throws RootfsError `IMAGE_INVALID` also where the config tells of another number of layers
 */
export function layersOf(
  { layers, config, artifactType }: ImageManifest,
  diffIds: readonly Digest[],
  reference: string,
): readonly ImageLayer[] {
  if (layers.length !== diffIds.length) {
    const isImage = diffIds.length > 0 || layers.length === 0;
    const reason = `it has ${layers.length} layers, its config tells of ${diffIds.length}`;
    throw imageInvalid(reference, isImage ? reason : `${reason}: it is ${artifactType ?? config.mediaType}`);
  }
  return layers.map((descriptor, layer) => {
    const { mediaType } = descriptor;
    const diffId = diffIds[layer];
    if (diffId === undefined || !/[./]tar(?:[.+]|$)/.test(mediaType))
      throw imageInvalid(reference, `its layer ${layer} is ${mediaType}, which is no tar archive`);
    if (mediaType.endsWith("+encrypted")) throw imageInvalid(reference, `its layer ${layer} is encrypted`);
    return { layer, descriptor, diffId };
  });
}

/**
 * Layers that registries are not meant to hold say where else they are. Nothing is fetched from there: it is an address
 * out of the image, which would be asked from inside our network. Many registries have them all the same.
 * @throws RootfsError `LAYER_FOREIGN`
 */
export async function requireLayersHere(
  repository: RepositoryReader,
  layers: readonly ImageLayer[],
  reference: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { layer, descriptor } of layers) {
    if (!isForeignLayerMediaType(descriptor.mediaType)) continue;
    const { digest } = descriptor;
    if (await trying("look for a layer of", reference, signal, () => repository.statBlob(digest, { signal }))) continue;
    const hosts = hostsOf(descriptor);
    const where = hosts.length === 0 ? "no other place" : hosts.join(", ");
    const message = `cannot use ${reference}: its layer ${layer} is not in ${repository.name}; the image names ${where}, which is not asked`;
    throw new RootfsError("LAYER_FOREIGN", message, { reference, layer, digest, hosts });
  }
}

function hostsOf({ urls = [] }: Descriptor): readonly string[] {
  return [...new Set(urls.slice(0, 10).flatMap((url) => URL.parse(url)?.host ?? []))];
}
