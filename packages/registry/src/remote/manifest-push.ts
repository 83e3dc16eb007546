import { RegistryError } from "../errors.ts";
import { digestAlgorithm, digestOf } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";
import { printable } from "../printable.ts";
import type { PushManifestOptions } from "../repository.ts";
import type { Endpoints } from "./endpoints.ts";
import { headerOf } from "./headers.ts";
import type { HttpClient } from "./http-client.ts";
import { declaredMediaType, requireSameDigest, requireStoredBytes } from "./manifest-answer.ts";
import { retryDamaged } from "./manifest-damage.ts";
import type { Operation } from "./operation.ts";
import { addToFallback, referrerOf } from "./referrers-fallback.ts";

/**
 * Puts a manifest under every tag, or under its digest; under both where only the digest can say that it is not sha256.
 * One that refers to another is listed under the fallback tag too where the registry does not say that it keeps such
 * lists itself.
 * @throws RegistryError `DIGEST_MISMATCH`; `INVALID_MANIFEST` when it calls itself something else than its descriptor
 * does, or when the fallback tag names no list
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
  requireDeclaredType(manifest, own);
  let listsReferrers = false;
  const isNamedByTags = tags.length > 0 && digestAlgorithm(descriptor.digest) === "sha256";
  for (const reference of isNamedByTags ? tags : [descriptor.digest, ...tags]) {
    const operation = endpoints.operation("push manifest", reference);
    const request = {
      method: "PUT" as const,
      url: endpoints.manifest(reference),
      headers: { "content-type": descriptor.mediaType },
      body: bytes,
      operation,
      lane: "meta" as const,
      scopes: endpoints.scope("pull", "push"),
      expect: [201, 200, 202],
      signal,
    };
    const attempt = async () => {
      const stored = await client.send(request);
      requireStoredBytes(bytes, stored, operation);
      return stored;
    };
    const answer = await client.retrying(operation, attempt, { signal, shouldRetry: retryDamaged() });
    if (headerOf(answer.headers, "oci-subject") !== undefined) listsReferrers = true;
  }
  const referrer = listsReferrers ? undefined : referrerOf(manifest);
  if (referrer) await addToFallback(client, endpoints, referrer, signal);
}

/** A manifest goes out as what it calls itself, or not at all. @throws RegistryError `INVALID_MANIFEST` */
function requireDeclaredType({ descriptor, bytes }: Manifest, { reference, what }: Operation): void {
  const declared = declaredMediaType(bytes);
  if (declared === undefined || declared === descriptor.mediaType) return;
  const reason = `it calls itself ${printable(declared, 150)}, its descriptor says ${descriptor.mediaType}`;
  throw new RegistryError("INVALID_MANIFEST", `cannot ${what}: ${reason}`, { reference, reason });
}
