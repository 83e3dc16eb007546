import { isRegistryError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, digestHex } from "../oci/digest.ts";
import { childManifests, type Manifest, manifestOf, parseManifest } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import type { Tag } from "../oci/reference.ts";
import type { ReferrersOptions, RepositoryReader } from "../repository.ts";
import type { Endpoints } from "./endpoints.ts";
import type { HttpClient } from "./http-client.ts";
import { paginate } from "./paginate.ts";

/**
 * A manifest's referrers: from the referrers API, or from the fallback tag where the registry has no such API.
 * `artifactType` is applied here too: a registry may ignore it.
 * @see distribution-spec v1.1.1, "Listing Referrers" and "Referrers Tag Schema"
 */
export async function* listReferrers(
  client: HttpClient,
  endpoints: Endpoints,
  repository: Pick<RepositoryReader, "manifest">,
  subject: Digest,
  { artifactType, signal }: ReferrersOptions = {},
): AsyncGenerator<Descriptor> {
  const operation = endpoints.operation("list referrers of", subject);
  const url = endpoints.referrers(subject, artifactType);
  let isListed = false;
  try {
    const scopes = endpoints.scope("pull");
    for await (const { body } of paginate(client, { url, operation, scopes, accept: MediaType.ociIndex, signal })) {
      isListed = true;
      yield* matching(manifestOf(body, MediaType.ociIndex), artifactType);
    }
  } catch (error) {
    // a 404 is a registry without the API; in the middle of the list, it is an error like any other
    if (isListed || !isRegistryError(error, "NOT_FOUND")) throw error;
    const index = await readFallback(repository, subject, signal);
    if (index) yield* matching(index, artifactType);
  }
}

/** The tag under which an index lists what refers to `subject`, for registries without the referrers API. */
export function referrersTag(subject: Digest): Tag {
  return `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, 64)}`;
}

async function readFallback(
  repository: Pick<RepositoryReader, "manifest">,
  subject: Digest,
  signal: AbortSignal | undefined,
): Promise<Manifest | undefined> {
  try {
    return await repository.manifest(referrersTag(subject), { signal });
  } catch (error) {
    if (isRegistryError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

function* matching(index: Manifest, artifactType: string | undefined): Generator<Descriptor> {
  for (const descriptor of childManifests(parseManifest(index))) {
    if (artifactType === undefined || descriptor.artifactType === artifactType) yield descriptor;
  }
}
