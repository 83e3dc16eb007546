import { classifyFailure, isRegistryError, RegistryError, type RegistryErrorCode } from "../errors.ts";
import type { Digest } from "../oci/digest.ts";
import type { Tag } from "../oci/reference.ts";
import type { RepositoryReader } from "../repository.ts";
import type { Endpoints } from "./endpoints.ts";
import { hostTraits } from "./host-traits.ts";
import type { HttpClient } from "./http-client.ts";
import type { Operation } from "./operation.ts";
import { askReferrersApi } from "./referrers.ts";
import { type Referrer, referrerOf, removeFromFallback } from "./referrers-fallback.ts";
import { isStatus, reports } from "./reported.ts";

/** Of a manifest that is not there, or of which there is nothing to make: damaged, of a type of old, larger than any. */
const unreadable: readonly RegistryErrorCode[] = [
  "NOT_FOUND",
  "PROTOCOL",
  "INVALID_MANIFEST",
  "DIGEST_MISMATCH",
  "TOO_LARGE",
];

/** @see distribution-spec v1.1.1, "Deleting tags" */
export async function deleteTag(
  client: HttpClient,
  endpoints: Endpoints,
  tag: Tag,
  signal?: AbortSignal,
): Promise<boolean> {
  // distribution 2.8 wants a digest there, and calls the tag an invalid one
  const refusals = ["UNSUPPORTED", "DIGEST_INVALID"];
  return await remove(
    client,
    endpoints,
    endpoints.manifest(tag),
    endpoints.operation("delete tag", tag),
    refusals,
    signal,
  );
}

/** @see distribution-spec v1.1.1, "Deleting Blobs" */
export async function deleteBlob(
  client: HttpClient,
  endpoints: Endpoints,
  digest: Digest,
  signal?: AbortSignal,
): Promise<boolean> {
  const operation = endpoints.operation("delete blob", digest);
  return await remove(client, endpoints, endpoints.blob(digest), operation, ["UNSUPPORTED"], signal);
}

/**
 * Deletes a manifest. One that refers to another leaves the list under the fallback tag too, where that is the only one.
 * @see distribution-spec v1.1.1, "Deleting Manifests"
 */
export async function deleteManifest(
  client: HttpClient,
  endpoints: Endpoints,
  repository: Pick<RepositoryReader, "manifest">,
  digest: Digest,
  signal?: AbortSignal,
): Promise<boolean> {
  const referrer = await listedReferrer(client, endpoints, repository, digest, signal);
  const operation = endpoints.operation("delete manifest", digest);
  const isGone = await remove(client, endpoints, endpoints.manifest(digest), operation, ["UNSUPPORTED"], signal);
  if (referrer) await removeFromFallback(client, endpoints, referrer, signal);
  return isGone;
}

/** What the manifest is in a list of referrers that nobody but a client keeps; read before it is gone. */
async function listedReferrer(
  client: HttpClient,
  endpoints: Endpoints,
  repository: Pick<RepositoryReader, "manifest">,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<Referrer | undefined> {
  if (hostTraits(client).referrersApi === "present") return undefined;
  let referrer: Referrer | undefined;
  try {
    referrer = referrerOf(await repository.manifest(digest, { signal }));
  } catch (error) {
    // what is gone or cannot be read may be deleted all the same
    if (isRegistryError(error) && unreadable.includes(error.code)) return undefined;
    throw error;
  }
  if (!referrer) return undefined;
  const { pages } = await askReferrersApi(client, endpoints, referrer.subject, { signal });
  return pages ? undefined : referrer;
}

/** `false`: it was not there. */
async function remove(
  client: HttpClient,
  endpoints: Endpoints,
  url: URL,
  operation: Operation,
  refusals: readonly string[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const scopes = endpoints.scope("pull", "delete");
  const expect = [202, 200, 204, 404];
  let mayBeDone = false;
  const send = async () => {
    try {
      const { status } = await client.send({ method: "DELETE", url, operation, lane: "meta", scopes, expect, signal });
      return status !== 404 || mayBeDone; // gone after a failure: it was we, and only the answer was lost
    } catch (error) {
      mayBeDone ||= classifyFailure(error) === "transient"; // a registry that asks to wait has done nothing
      throw error;
    }
  };
  try {
    return await client.retrying(operation, send, { signal });
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    const isRefusal = isStatus(error, 405) || (isStatus(error, 400) && reports(error, ...refusals));
    if (!isRefusal) throw error;
    const details = { registry: operation.registry, operation: operation.what };
    throw new RegistryError("UNSUPPORTED", error.message, details, { cause: error });
  }
}
