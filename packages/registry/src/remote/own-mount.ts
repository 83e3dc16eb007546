import { randomBytes } from "node:crypto";
import { isRegistryError } from "../errors.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { openMount } from "./blob-mount.ts";
import type { Endpoints } from "./endpoints.ts";
import { hostTraits } from "./host-traits.ts";
import { hasProbedUpload } from "./probed-uploads.ts";
import { type UploadContext, UploadSession } from "./upload-session.ts";

/** So many blobs are sent before it is worth three requests to find out. */
const worthwhileBlobs = 32;

/**
 * Looks whether a blob is there and opens an upload if it is not, with one request: a mount from the repository to itself.
 * `undefined` where that tells nothing, or was not found out yet.
 */
export async function beginUnlessThere(
  context: UploadContext,
  endpoints: Endpoints,
): Promise<UploadSession | "present" | undefined> {
  const { client } = context;
  if (hostTraits(client).ownMount !== "tells" || hasProbedUpload(client, endpoints.path)) return undefined;
  const answer = await openMount(context, endpoints, endpoints.path);
  if (!answer) return undefined;
  return answer.status === 201 ? "present" : new UploadSession(context, answer);
}

/**
 * Finds out once, with a blob that was just sent and one that nobody has, whether the host tells them apart. Specified for other
 * repositories, a mount from the own one may mean anything: what is not exactly that makes it useless.
 */
export async function learnOwnMount(context: UploadContext, endpoints: Endpoints): Promise<void> {
  const traits = hostTraits(context.client);
  traits.sentBlobs += 1;
  if (traits.ownMount !== "unknown" || traits.sentBlobs < worthwhileBlobs) return;
  traits.ownMount = "asked";
  try {
    const nobodys = digestOf(randomBytes(32));
    const isTold = (await mounts(context, endpoints)) && !(await mounts(withDigest(context, nobodys), endpoints));
    traits.ownMount = isTold ? "tells" : "useless";
  } catch (error) {
    traits.ownMount = "useless";
    if (!isRegistryError(error)) throw error; // of a question nobody asked for; the blob is there
  }
}

async function mounts(context: UploadContext, endpoints: Endpoints): Promise<boolean> {
  const answer = await openMount(context, endpoints, endpoints.path);
  if (answer?.status !== 202) return answer?.status === 201;
  await new UploadSession(context, answer).cancel();
  return false;
}

function withDigest(context: UploadContext, digest: Digest): UploadContext {
  return { ...context, blob: { ...context.blob, digest } };
}
