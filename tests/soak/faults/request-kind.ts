/** What a request of the distribution API, or to a token server, is about. */
export type RequestKind =
  | "ping"
  | "token"
  | "tags"
  | "referrers"
  | "repositories"
  | "manifest"
  | "manifest head"
  | "manifest put"
  | "blob"
  | "blob head"
  | "upload start"
  | "upload bytes"
  | "upload state"
  | "upload cancel"
  | "other";

/** The kind of a request, by its method and path. */
export function requestKind(method: string, path: string): RequestKind {
  const [place = ""] = path.split("?");
  if (place === "/v2/" || place === "/v2") return "ping";
  if (place === "/token") return "token";
  if (place === "/v2/_catalog") return "repositories";
  if (place.endsWith("/tags/list")) return "tags";
  if (place.includes("/referrers/")) return "referrers";
  if (place.includes("/manifests/")) {
    if (method === "PUT") return "manifest put";
    return method === "HEAD" ? "manifest head" : "manifest";
  }
  if (place.includes("/blobs/uploads")) return uploadKind(method);
  if (place.includes("/blobs/")) return method === "HEAD" ? "blob head" : "blob";
  return "other";
}

function uploadKind(method: string): RequestKind {
  if (method === "POST") return "upload start";
  if (method === "PATCH" || method === "PUT") return "upload bytes";
  return method === "DELETE" ? "upload cancel" : "upload state";
}
