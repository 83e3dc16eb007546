import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { MediaType } from "../oci/media-type.ts";
import { unsupported } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";
import type { Home } from "./home.ts";

/** What refers to a manifest, as an index; empty where nothing does. @see distribution-spec v1.1.1, "Listing Referrers" */
export async function answerReferrers(
  exchange: Exchange,
  home: Home,
  repository: string,
  subject: Digest,
): Promise<void> {
  if (exchange.method !== "GET") throw unsupported("referrers take GET");
  const artifactType = exchange.query.get("artifactType") || undefined;
  const manifests: Descriptor[] = [];
  const options = { artifactType, signal: exchange.signal };
  for await (const descriptor of home.reader(repository).referrers(subject, options)) manifests.push(descriptor);
  const headers = {
    "content-type": MediaType.ociIndex,
    "oci-filters-applied": artifactType && "artifactType",
  };
  await exchange.sendJson(200, headers, { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
}
