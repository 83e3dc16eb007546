import { type Digest, isDigest } from "../oci/digest.ts";
import { isRepositoryPath, isTag, type Tag } from "../oci/reference.ts";
import { ApiError } from "./api-error.ts";

/** What a request's path asks for, strictly parsed. */
export type Route =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: Tag | Digest }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: Digest }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: Digest }
  | { readonly kind: "uploads"; readonly repository: string }
  | { readonly kind: "upload"; readonly repository: string; readonly id: string };

/**
 * Reads a raw request path from the right, since a repository's own path may hold any of the API's words.
 * @throws ApiError `NAME_INVALID`, `DIGEST_INVALID`, `MANIFEST_UNKNOWN`, `UNSUPPORTED`
 * @see distribution-spec v1.1.1, "Endpoints"
 */
export function parseRoute(path: string): Route {
  if (path === "/v2" || path === "/v2/") return { kind: "base" };
  if (path === "/v2/_catalog") return { kind: "catalog" };
  if (!path.startsWith("/v2/")) throw unknownEndpoint();
  const segments = path.slice("/v2/".length).split("/").map(decode);
  const last = segments.at(-1) ?? "";
  const [third, second] = [segments.at(-3), segments.at(-2)];
  const head = (count: number) => repositoryOf(segments.slice(0, -count));
  if (second === "manifests") return { kind: "manifest", repository: head(2), reference: referenceOf(last) };
  if (second === "referrers") return { kind: "referrers", repository: head(2), digest: digestOf(last) };
  if (second === "tags" && last === "list") return { kind: "tags", repository: head(2) };
  if (third === "blobs" && second === "uploads") {
    const repository = head(3);
    return last === "" ? { kind: "uploads", repository } : { kind: "upload", repository, id: last };
  }
  if (second === "blobs" && last === "uploads") return { kind: "uploads", repository: head(2) };
  if (second === "blobs") return { kind: "blob", repository: head(2), digest: digestOf(last) };
  throw unknownEndpoint();
}

function decode(segment: string): string {
  try {
    const text = decodeURIComponent(segment);
    if (!text.includes("/")) return text; // an escaped slash would smuggle a segment past this parser
  } catch {
    // falls through to the refusal: a stray percent sign names nothing
  }
  throw new ApiError(400, "NAME_INVALID", "the path is badly escaped");
}

function repositoryOf(segments: readonly string[]): string {
  const path = segments.join("/");
  if (isRepositoryPath(path)) return path;
  throw new ApiError(400, "NAME_INVALID", "not a repository path");
}

/** A word that cannot be a tag names no manifest; one with a colon was meant as a digest. */
function referenceOf(text: string): Tag | Digest {
  if (text.includes(":")) return digestOf(text);
  if (isTag(text)) return text;
  throw new ApiError(404, "MANIFEST_UNKNOWN", "not a tag");
}

function digestOf(text: string): Digest {
  if (isDigest(text)) return text;
  throw new ApiError(400, "DIGEST_INVALID", "not a sha256 or sha512 digest");
}

/** The answer where nobody serves anything. */
export function unknownEndpoint(): ApiError {
  return new ApiError(404, "UNSUPPORTED", "no such endpoint");
}
