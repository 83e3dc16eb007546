import type { Digest } from "../oci/digest.ts";
import type { Endpoints } from "./endpoints.ts";
import { contentLengthOf, contentRangeOf, storedSizeOf } from "./headers.ts";
import type { HttpClient } from "./http-client.ts";
import { protocolError } from "./operation.ts";
import { unknownMethod } from "./reported.ts";
import { requireNotEncoded } from "./require-not-encoded.ts";

/**
 * The size of a blob, or `undefined` when it is missing. Registries need not tell it with a HEAD, and not all know that
 * method; then a GET for the first byte does, whose body is not read.
 * @throws RegistryError `PROTOCOL` when neither tells it
 * @see distribution-spec v1.1.1, "Checking if content exists in the registry"
 */
export async function statBlob(
  client: HttpClient,
  endpoints: Endpoints,
  digest: Digest,
  signal?: AbortSignal,
): Promise<{ readonly size: number } | undefined> {
  const operation = endpoints.operation("stat blob", digest);
  const common = {
    url: endpoints.blob(digest),
    operation,
    lane: "meta" as const,
    scopes: endpoints.scope("pull"),
    signal,
  };
  const head = await client.ask({ ...common, method: "HEAD", expect: [200, 404, ...unknownMethod] });
  if (head.status === 404) return undefined;
  const told = head.status === 200 ? storedSizeOf(head.headers) : undefined;
  if (told !== undefined) return { size: told };
  const answer = await client.ask({
    ...common,
    method: "GET",
    headers: { range: "bytes=0-0" },
    expect: [200, 206, 404, 416], // an empty blob has no first byte
    onHead: () => () => false,
  });
  if (answer.status === 404) return undefined;
  if (answer.status !== 416) requireNotEncoded(answer, operation);
  const size = answer.status === 200 ? contentLengthOf(answer.headers) : contentRangeOf(answer.headers)?.total;
  if (size === undefined) throw protocolError(operation, "the registry does not tell the blob's size");
  return { size };
}
