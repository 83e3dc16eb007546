import { isRegistryError, RegistryError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { childManifests, type Manifest, manifestOf, parseManifest } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import { referrersTag } from "../oci/reference.ts";
import type { ReferrersOptions, RepositoryReader } from "../repository.ts";
import type { Endpoints } from "./endpoints.ts";
import { mediaTypeOf } from "./headers.ts";
import { type HostTraits, hostTraits } from "./host-traits.ts";
import type { ClientResponse, HttpClient } from "./http-client.ts";
import { type Operation, protocolError } from "./operation.ts";
import { paginate } from "./paginate.ts";
import { isStatus, reports } from "./reported.ts";
import { requireNotEncoded } from "./require-not-encoded.ts";
import { unlessAborted } from "./unless-aborted.ts";

/**
 * A manifest's referrers: from the referrers API, or from the fallback tag where the registry has no such API.
 * `artifactType` is applied here too: a registry may ignore it.
 * @see distribution-spec v1.1.1, "Listing Referrers" and "Referrers Tag Schema"
 */
export async function* listReferrers(
  client: HttpClient,
  endpoints: Endpoints,
  repository: Pick<RepositoryReader, "manifest">,
  subject: Digest,
  options: ReferrersOptions = {},
): AsyncGenerator<Descriptor> {
  const { artifactType, signal } = options;
  const { pages, index } = await firstAlone(
    client,
    () => find(client, endpoints, repository, subject, options),
    signal,
  );
  const operation = endpoints.operation("list referrers of", subject);
  const seen = new Set<Digest>(); // pages may overlap, where something is pushed between them
  if (index) yield* matching(listedIn(index, operation), seen, artifactType);
  if (!pages) return;
  for await (const page of pages) {
    requireNotEncoded(page, operation);
    yield* matching(listedIn(manifestOf(page.body, MediaType.ociIndex), operation), seen, artifactType);
  }
}

/** Where a subject's referrers were found: at the API, in the fallback tag's list, or nowhere. */
interface FoundReferrers {
  readonly pages?: AsyncIterable<ClientResponse>;
  readonly index?: Manifest;
}

async function find(
  client: HttpClient,
  endpoints: Endpoints,
  repository: Pick<RepositoryReader, "manifest">,
  subject: Digest,
  { readsFallbackTag = true, ...options }: ReferrersOptions,
): Promise<FoundReferrers> {
  const { pages, hadNoRoute } = await askReferrersApi(client, endpoints, subject, options);
  if (pages) return { pages };
  if (!readsFallbackTag) {
    if (hadNoRoute) learnMissing(client); // it was not about the repository: its tags were listed
    return {};
  }
  try {
    const index = await repository.manifest(referrersTag(subject), { signal: options.signal });
    if (hadNoRoute) learnMissing(client);
    return { index };
  } catch (error) {
    if (!isRegistryError(error, "NOT_FOUND")) throw error;
    if (hadNoRoute && error.details.errors !== undefined) learnMissing(client);
    return {};
  }
}

/** The first who asks a host goes ahead; the others wait for what it learns, or all would ask a host without the API. */
async function firstAlone<T>(client: HttpClient, ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const traits = hostTraits(client);
  while (traits.referrersApi === "unknown" && traits.firstReferrers !== "over") {
    const first = traits.firstReferrers;
    if (!first) return await goAhead(traits, ask);
    await unlessAborted(() => first, signal);
  }
  return await ask();
}

async function goAhead<T>(traits: HostTraits, ask: () => Promise<T>): Promise<T> {
  const answer = ask();
  const isAnswered = (answered: boolean) => {
    traits.firstReferrers = answered ? "over" : undefined; // nothing learnt: the next one goes ahead
  };
  traits.firstReferrers = answer.then(
    () => isAnswered(true),
    () => isAnswered(false),
  );
  return await answer;
}

/** What the referrers API says, if there is one. */
export interface ReferrersAnswer {
  /** The list, page by page; absent where the registry has no such API. */
  readonly pages?: AsyncIterable<ClientResponse>;
  /** It was a bare 404, as for a URL that means nothing there: of a registry without the API, or of a proxy before it. */
  readonly hadNoRoute?: boolean;
}

/**
 * Asks the referrers API. A host that has said clearly that it has none is not asked again; a 404 is no such word, it
 * may be about the repository. What is no list is asked for once more, and an error where the host has given lists.
 * @throws RegistryError `PROTOCOL`
 */
export async function askReferrersApi(
  client: HttpClient,
  endpoints: Endpoints,
  subject: Digest,
  { artifactType, signal }: ReferrersOptions = {},
): Promise<ReferrersAnswer> {
  if (hostTraits(client).referrersApi === "missing") return {};
  const operation = endpoints.operation("list referrers of", subject);
  const url = endpoints.referrers(subject, artifactType);
  const request = { url, operation, scopes: endpoints.scope("pull"), accept: MediaType.ociIndex, signal };
  try {
    // A page for people with status 200, for one: of a registry without the API, or of something on the way to one with it.
    for (let looks = 0; looks < 2; looks += 1) {
      const pages = paginate(client, request);
      const { value: first } = await pages.next();
      if (first && isList(first)) {
        hostTraits(client).referrersApi = "present";
        return { pages: followed(first, pages) };
      }
    }
    if (hostTraits(client).referrersApi !== "present") return {};
  } catch (error) {
    if (isRegistryError(error) && isRefusal(error)) {
      learnMissing(client);
      return {};
    }
    if (!isRegistryError(error, "NOT_FOUND")) throw error;
    return { hadNoRoute: error.details.errors === undefined };
  }
  throw protocolError(operation, "the answer is no list of referrers, and the registry has given such lists before");
}

function learnMissing(client: HttpClient): void {
  const traits = hostTraits(client);
  if (traits.referrersApi === "unknown") traits.referrersApi = "missing";
}

/** Registries without the API say so in more ways than with a 404. */
function isRefusal(error: RegistryError): boolean {
  if (isStatus(error, 405)) return true;
  if (isRegistryError(error, "SERVER_ERROR")) return error.details.status === 501;
  const mayRefuse = isStatus(error, 400) || isStatus(error, 406) || isRegistryError(error, "NOT_FOUND");
  return mayRefuse && reports(error, "UNSUPPORTED");
}

async function* followed(first: ClientResponse, rest: AsyncGenerator<ClientResponse>): AsyncGenerator<ClientResponse> {
  yield first;
  yield* rest;
}

/** What comes as an index is taken for one: damaged, it is an error and not a registry without the API. */
function isList({ headers, body }: ClientResponse): boolean {
  if (mediaTypeOf(headers) === MediaType.ociIndex) return true;
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof json === "object" && json !== null && "manifests" in json;
  } catch {
    return false;
  }
}

/** @throws RegistryError `INVALID_MANIFEST` that names the subject: nobody knows a list by its digest */
function listedIn(index: Manifest, { reference, what }: Operation): readonly Descriptor[] {
  try {
    return childManifests(parseManifest(index));
  } catch (error) {
    if (!isRegistryError(error, "INVALID_MANIFEST")) throw error;
    const reason = `the list cannot be read: ${error.details.reason}`;
    throw new RegistryError("INVALID_MANIFEST", `cannot ${what}: ${reason}`, { reference, reason }, { cause: error });
  }
}

function* matching(
  listed: readonly Descriptor[],
  seen: Set<Digest>,
  artifactType: string | undefined,
): Generator<Descriptor> {
  for (const descriptor of listed) {
    if (seen.has(descriptor.digest)) continue;
    seen.add(descriptor.digest);
    if (artifactType === undefined || descriptor.artifactType === artifactType) yield descriptor;
  }
}
