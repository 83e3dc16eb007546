import { RegistryError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, digestOf, isDigest } from "../oci/digest.ts";
import { type Manifest, sniffManifestMediaType } from "../oci/manifest.ts";
import { isManifestMediaType } from "../oci/media-type.ts";
import type { Tag } from "../oci/reference.ts";
import { sharedText } from "../oci/shared-text.ts";
import { printable } from "../printable.ts";
import { headerOf, mediaTypeOf, type ResponseHeaders, storedSizeOf } from "./headers.ts";
import type { ClientResponse } from "./http-client.ts";
import { type Operation, protocolError } from "./operation.ts";
import { requireNotEncoded } from "./require-not-encoded.ts";

/** Types that say nothing about which manifest it is; some registries and proxies send them. */
const genericTypes: ReadonlySet<string> = new Set(["application/json", "text/plain", "application/octet-stream"]);

/** A descriptor out of a HEAD's headers, when they say enough. */
export function describeHead(headers: ResponseHeaders): Descriptor | undefined {
  const digest = headerOf(headers, "docker-content-digest");
  const mediaType = mediaTypeOf(headers);
  const size = storedSizeOf(headers);
  if (digest === undefined || !isDigest(digest) || size === undefined) return undefined;
  if (mediaType === undefined || !isManifestMediaType(mediaType)) return undefined;
  return { mediaType: sharedText(mediaType), digest: sharedText(digest), size };
}

/**
 * The manifest of a GET's answer. Asked for by digest, the bytes hash to it; asked for by tag, to the digest the
 * registry announced, if it did. What it calls itself has to be what it came as.
 * @throws RegistryError `PROTOCOL`, `DIGEST_MISMATCH`; `INVALID_MANIFEST` for a type that is no manifest of today
 * @see distribution-spec v1.1.1, "Pulling manifests"
 */
export function readManifest(answer: ClientResponse, reference: Tag | Digest, operation: Operation): Manifest {
  const { headers, body } = answer;
  requireNotEncoded(answer, operation);
  const announced = headerOf(headers, "docker-content-digest");
  const proven = isDigest(reference) ? reference : announced;
  const expected = proven !== undefined && isDigest(proven) ? proven : undefined;
  const told = mediaTypeOf(headers);
  const isGeneric = told === undefined || genericTypes.has(told);
  if (!isGeneric && !isManifestMediaType(told)) throw otherType(told, operation);
  const digest = digestOf(body, expected && digestAlgorithm(expected));
  if (expected) requireSameDigest(expected, digest, operation);
  const mediaType = isGeneric ? sniffManifestMediaType(body) : told;
  if (mediaType === undefined) {
    throw protocolError(operation, `the answer is ${told ?? "of no type"}, which is no manifest`);
  }
  const declared = declaredMediaType(body);
  if (declared !== undefined && declared !== mediaType) {
    throw protocolError(operation, `it calls itself ${printable(declared, 150)} but came as ${mediaType}`);
  }
  const descriptor = { mediaType: sharedText(mediaType), digest: sharedText(digest), size: body.byteLength };
  return { descriptor, bytes: body };
}

/** What a registry stores may be a manifest that nobody reads any more, such as docker's first; a page is no answer of a registry. */
function otherType(told: string, operation: Operation): RegistryError {
  const reason = `the answer is ${told}, which is no manifest`;
  if (!told.startsWith("application/") || told.includes("html")) return protocolError(operation, reason);
  const { reference, what } = operation;
  return new RegistryError("INVALID_MANIFEST", `cannot ${what}: ${reason}`, { reference, reason });
}

/** @throws RegistryError `DIGEST_MISMATCH` */
export function requireSameDigest(expected: Digest, actual: string, { reference, what }: Operation): void {
  if (expected === actual) return;
  const message = `cannot ${what}: expected ${expected}, got ${actual.slice(0, 150)}`;
  throw new RegistryError("DIGEST_MISMATCH", message, { reference, expected, actual: actual.slice(0, 150) });
}

/**
 * What a registry says it stored must be what it was given. It may name it by another algorithm; only a digest of the
 * same one can contradict.
 * @throws RegistryError `DIGEST_MISMATCH`
 */
export function requireStoredDigest(given: Digest, { headers }: ClientResponse, operation: Operation): void {
  const stored = headerOf(headers, "docker-content-digest");
  if (stored?.startsWith(given.slice(0, "sha256:".length))) requireSameDigest(given, stored, operation);
}

/**
 * As {@link requireStoredDigest}, where the bytes are at hand: by whichever algorithm the registry names them, they have to
 * be these. A manifest that is put under a tag proves itself in no other way.
 * @throws RegistryError `DIGEST_MISMATCH`
 */
export function requireStoredBytes(given: Uint8Array, { headers }: ClientResponse, operation: Operation): void {
  const stored = headerOf(headers, "docker-content-digest");
  if (stored === undefined || !isDigest(stored)) return;
  requireSameDigest(digestOf(given, digestAlgorithm(stored)), stored, operation);
}

/** What a body calls itself; nothing where it does not, or with an empty word. Whether it is a manifest is not looked at. */
export function declaredMediaType(body: Uint8Array): string | undefined {
  try {
    const { mediaType } = JSON.parse(new TextDecoder().decode(body)) as { readonly mediaType?: unknown };
    return typeof mediaType === "string" && mediaType !== "" ? mediaType : undefined;
  } catch {
    return undefined; // no JSON, or null: whoever parses it will say so
  }
}
