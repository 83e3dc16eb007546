import { digestAlgorithm, digestOf } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";
import type { PushManifestOptions } from "../repository.ts";
import type { Endpoints } from "./endpoints.ts";
import { headerOf } from "./headers.ts";
import type { HttpClient } from "./http-client.ts";
import { requireSameDigest, requireStoredDigest } from "./manifest-answer.ts";
import { addToFallback, referrerOf } from "./referrers-fallback.ts";

/**
 * Puts a manifest under every tag, or under its digest; under both where only the digest can say that it is not sha256. One that refers to another is listed under the fallback tag too
 * where the registry does not say that it keeps such lists itself.
 * @throws RegistryError `DIGEST_MISMATCH`; `INVALID_MANIFEST` when the fallback tag names no list
 * @see distribution-spec v1.1.1, "Pushing Manifests" and "Pushing Manifests with Subject"
 */
export async function pushManifest(
  client: HttpClient,
  endpoints: Endpoints,
  manifest: Manifest,
  { tags = [], signal }: PushManifestOptions = {},
): Promise<void> {
  const { descriptor, bytes } = manifest;
  const own = endpoints.operation("push manifest", descriptor.digest);
  requireSameDigest(descriptor.digest, digestOf(bytes, digestAlgorithm(descriptor.digest)), own);
  let listsReferrers = false;
  const isNamedByTags = tags.length > 0 && digestAlgorithm(descriptor.digest) === "sha256";
  for (const reference of isNamedByTags ? tags : [descriptor.digest, ...tags]) {
    const operation = endpoints.operation("push manifest", reference);
    const answer = await client.ask({
      method: "PUT",
      url: endpoints.manifest(reference),
      headers: { "content-type": descriptor.mediaType },
      body: bytes,
      operation,
      lane: "meta",
      scopes: endpoints.scope("pull", "push"),
      expect: [201, 200, 202],
      signal,
    });
    requireStoredDigest(descriptor.digest, answer, operation);
    if (headerOf(answer.headers, "oci-subject") !== undefined) listsReferrers = true;
  }
  const referrer = listsReferrers ? undefined : referrerOf(manifest);
  if (referrer) await addToFallback(client, endpoints, referrer, signal);
}
