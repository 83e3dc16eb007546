import { digestOf } from "../oci/digest.ts";
import type { CallOptions } from "../repository.ts";
import { beginPlainUpload } from "./blob-mount.ts";
import type { Endpoints } from "./endpoints.ts";
import type { HttpClient } from "./http-client.ts";
import type { UploadContext } from "./upload-session.ts";

/**
 * Begins an upload and cancels it. Nothing is sent and nothing is left behind, where the registry lets an upload be
 * cancelled: elsewhere it forgets the empty session by itself.
 * @throws RegistryError what the registry answers to who may not write, such as `UNAUTHORIZED` or `FORBIDDEN`
 * @see distribution-spec v1.1.1, "Pushing blobs"
 */
export async function probeWrite(
  client: HttpClient,
  endpoints: Endpoints,
  { signal }: CallOptions = {},
): Promise<void> {
  const operation = endpoints.operation("write to");
  const blob = { digest: digestOf(new Uint8Array()), size: 0 }; // never spoken of: the upload does not get that far
  const context: UploadContext = { client, blob, operation, scopes: endpoints.scope("pull", "push"), signal };
  const session = await client.retrying(operation, () => beginPlainUpload(context, endpoints), { signal });
  await session.cancel();
}
