import type { Place } from "../oci/reference.ts";
import type { Endpoints } from "../remote/endpoints.ts";
import type { ResponseHeaders } from "../remote/headers.ts";
import type { ClientRequest, ClientResponse, HttpClient } from "../remote/http-client.ts";
import type { RemoteRegistry } from "../remote/http-registry.ts";

/** What is examined, and what was seen of it so far. */
export interface Subject {
  readonly registry: RemoteRegistry;
  readonly place: Place;
  readonly client: HttpClient;
  readonly signal: AbortSignal | undefined;
  /** The headers of every answer. */
  readonly seen: ResponseHeaders[];
  /** What was written and could not be taken away. */
  readonly left: string[];
  /** The endpoints of a repository below the place. */
  endpoints(path: string): Endpoints;
}

/** One request, no second try: what is examined is what comes the first time. Keeps the answer's headers. */
export async function askOnce(
  { client, seen, signal }: Subject,
  request: Omit<ClientRequest, "lane" | "signal">,
): Promise<ClientResponse> {
  const answer = await client.send({ ...request, lane: "meta", signal });
  seen.push(answer.headers);
  return answer;
}
