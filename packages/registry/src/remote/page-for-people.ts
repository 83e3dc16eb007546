import { contentLengthOf, headerOf, mediaTypeOf } from "./headers.ts";
import type { ClientResponse } from "./http-client.ts";

/** What registries answer with and web sites do not. */
const ownHeaders: readonly string[] = [
  "docker-content-digest",
  "docker-distribution-api-version",
  "docker-upload-uuid",
  "location",
];

/**
 * Whether something that seems to have worked was answered by a site in the registry's place, such as the login page of a
 * proxy. Not by the type alone: registries written with Flask, Quay for one, call every empty body HTML.
 */
export function isPageForPeople(method: string, { status, headers, body }: ClientResponse): boolean {
  if (method === "GET" || status < 200 || status > 299) return false; // what is read is looked at where it is read
  if (mediaTypeOf(headers) !== "text/html") return false;
  const isEmpty = method === "HEAD" ? contentLengthOf(headers) === 0 : body.byteLength === 0;
  return !isEmpty && ownHeaders.every((name) => headerOf(headers, name) === undefined);
}
