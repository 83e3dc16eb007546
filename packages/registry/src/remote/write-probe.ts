import { digestOf } from "../oci/digest.ts";
import type { CallOptions } from "../repository.ts";
import { openUpload } from "./blob-mount.ts";
import type { Endpoints } from "./endpoints.ts";
import type { HttpClient } from "./http-client.ts";
import { leaveProbedUpload } from "./probed-uploads.ts";
import { type UploadContext, UploadSession } from "./upload-session.ts";

/**
 * Opens an upload. The next blob of this repository takes it over; disposing cancels it when none did. It is not
 * cancelled at once because distribution 2.8 keeps a file of every upload that is, for good.
 * @throws RegistryError what the registry answers to who may not write, such as `UNAUTHORIZED` or `FORBIDDEN`
 * @see distribution-spec v1.1.1, "Pushing blobs"
 */
export async function probeWrite(
  client: HttpClient,
  endpoints: Endpoints,
  { signal }: CallOptions = {},
): Promise<AsyncDisposable> {
  const operation = endpoints.operation("write to");
  const blob = { digest: digestOf(new Uint8Array()), size: 0 }; // never spoken of: it does not get that far
  const context: UploadContext = { client, blob, operation, scopes: endpoints.scope("pull", "push"), signal };
  const answer = await client.retrying(operation, () => openUpload(context, endpoints), { signal });
  const session = new UploadSession(context, answer);
  const takeBack = leaveProbedUpload(client, endpoints.path, answer);
  return {
    async [Symbol.asyncDispose]() {
      if (takeBack()) await session.cancel();
    },
  };
}
