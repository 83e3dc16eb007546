import type { OpenBlob } from "./repository.ts";

/** Bytes in memory, as {@link RepositoryWriter.pushBlob} asks for them. They must not change while it runs. */
export function openBytes(bytes: Uint8Array): OpenBlob {
  return async function* (offset) {
    if (offset < bytes.byteLength) yield new Uint8Array(bytes.subarray(offset));
  };
}
