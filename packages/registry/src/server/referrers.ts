import { defaultMaxManifestBytes } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import { methodNotAllowed } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";
import type { Home } from "./home.ts";
import { pageOf } from "./page.ts";
import type { Route } from "./route.ts";

type ReferrersRoute = Extract<Route, { readonly kind: "referrers" }>;

/** What is in an index beside its descriptors, in bytes, generously. */
const envelopeBytes = 1024;

/**
 * What refers to a manifest, as indexes page by page; empty where nothing does. Each page is small enough for whoever
 * reads manifests.
 * @see distribution-spec v1.1.1, "Listing Referrers"
 */
export async function answerReferrers(
  exchange: Exchange,
  home: Home,
  { repository, digest: subject }: ReferrersRoute,
  maxPageSize: number,
): Promise<void> {
  if (exchange.method !== "GET") throw methodNotAllowed("GET");
  const artifactType = exchange.query.get("artifactType") || undefined;
  const all = home.reader(repository).referrers(subject, { artifactType, signal: exchange.signal });
  const page = await pageOf(exchange, all, {
    path: `/v2/${repository}/referrers/${subject}`,
    keyOf: ({ digest }) => digest,
    maxItems: maxPageSize,
    maxBytes: defaultMaxManifestBytes - envelopeBytes,
    carried: artifactType === undefined ? {} : { artifactType },
  });
  const headers = {
    ...page.headers,
    "content-type": MediaType.ociIndex,
    "oci-filters-applied": artifactType && "artifactType",
  };
  const { items: manifests } = page;
  await exchange.sendJson(200, headers, { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
}
