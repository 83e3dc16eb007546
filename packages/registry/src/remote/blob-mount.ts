import { isRegistryError } from "../errors.ts";
import { repositoryScope } from "./auth/scope.ts";
import type { Endpoints } from "./endpoints.ts";
import { hostTraits } from "./host-traits.ts";
import type { ClientResponse } from "./http-client.ts";
import { takeProbedUpload } from "./probed-uploads.ts";
import { unknownMethod } from "./reported.ts";
import { type UploadContext, UploadSession } from "./upload-session.ts";

/** More hints than these are not tried: sending the blob is cheaper then. */
const maxMounts = 4;

/** Answers to a mount that mean no more than "not this way". */
const refusals: readonly number[] = [400, 404, ...unknownMethod];

/** As {@link refusals}, where no source is named, which is more than some registries expect. */
const anonymousRefusals: readonly number[] = [...refusals, 500];

/**
 * Opens an upload session, or finds that the blob could be mounted instead: from one of `mountPaths` (whole paths on
 * the host), or from wherever the registry itself knows it.
 * @see distribution-spec v1.1.1, "Mounting a blob from another repository"
 */
export async function beginUpload(
  context: UploadContext,
  endpoints: Endpoints,
  mountPaths: readonly string[],
): Promise<UploadSession | "mounted"> {
  const sources = [...new Set(mountPaths)].filter((path) => path !== endpoints.path).slice(0, maxMounts);
  for (const from of sources) {
    const answer = await tryMount(context, endpoints, from);
    if (answer) return begun(context, answer);
  }
  const probed = takeProbedUpload(context.client, endpoints.path);
  if (probed) return begun(context, probed);
  const traits = hostTraits(context.client);
  if (sources.length === 0 && traits.anonymousMount !== "refused") {
    const answer = await post(context, endpoints, { mount: context.blob.digest }, [201, 202, ...anonymousRefusals]);
    if (!anonymousRefusals.includes(answer.status)) return begun(context, answer);
    traits.anonymousMount = "refused";
  }
  return begun(context, await openUpload(context, endpoints));
}

/** Opens an upload session, whatever the registry may know of the blob. */
export async function openUpload(context: UploadContext, endpoints: Endpoints): Promise<ClientResponse> {
  return await post(context, endpoints, {}, [202]);
}

/** The answer to a mount from the repository at `from`, a whole path: 201, or 202 of a new session; `undefined` for a refusal. */
export async function openMount(
  context: UploadContext,
  endpoints: Endpoints,
  from: string,
): Promise<ClientResponse | undefined> {
  const answer = await post(context, endpoints, { mount: context.blob.digest, from }, [201, 202, ...refusals]);
  return refusals.includes(answer.status) ? undefined : answer;
}

/** `undefined`: not from there. */
async function tryMount(
  context: UploadContext,
  endpoints: Endpoints,
  from: string,
): Promise<ClientResponse | undefined> {
  const scopes = [...context.scopes, repositoryScope(from, ["pull"])];
  try {
    return await openMount({ ...context, scopes }, endpoints, from);
  } catch (error) {
    // no leave to read there, says the registry or its token server: no reason not to write here
    if (isRegistryError(error, "UNAUTHORIZED") || isRegistryError(error, "FORBIDDEN")) return undefined;
    throw error;
  }
}

function begun(context: UploadContext, answer: ClientResponse): UploadSession | "mounted" {
  return answer.status === 201 ? "mounted" : new UploadSession(context, answer);
}

function post(
  { client, operation, scopes, signal }: UploadContext,
  endpoints: Endpoints,
  query: Readonly<Record<string, string>>,
  expect: readonly number[],
): Promise<ClientResponse> {
  const url = endpoints.uploads(query);
  // an empty body, told by its length: some registries hang on a POST without one
  const headers = { "content-length": "0" };
  return client.send({ method: "POST", url, headers, operation, lane: "meta", scopes, expect, signal });
}
