import type { Interception, ServedRequest } from "../server/served-request.ts";

/** Something that goes wrong with requests. Made by `faults`, injected into a test registry. */
export interface Fault {
  /**
   * Begins it: what it then gives for a request happens to that request, and `undefined` passes the request over.
   * Asked once for each request it was injected for; what it remembers lasts as long as this injection.
   */
  begin(): (request: ServedRequest) => Interception | undefined;
}

/** A fault that treats the requests it is for all alike. */
export function faultOf(
  interceptionOf: (request: ServedRequest) => Interception,
  isFor: (request: ServedRequest) => boolean = () => true,
): Fault {
  return { begin: () => (request) => (isFor(request) ? interceptionOf(request) : undefined) };
}

/** Whether a request can have a body in its answer: what happens to bodies passes over `HEAD`. */
export function hasAnswerBody({ method }: ServedRequest): boolean {
  return method !== "HEAD";
}

/** Whether a request brings bytes of a blob. */
export function isUploadOfBytes({ method, path, contentLength, queryNames }: ServedRequest): boolean {
  if (!path.includes("/blobs/uploads/") || contentLength === 0) return false;
  return method === "PATCH" || method === "PUT" || (method === "POST" && queryNames.includes("digest"));
}
