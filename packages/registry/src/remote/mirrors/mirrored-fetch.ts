import type { Blob } from "../../oci/descriptor.ts";
import { digestAlgorithm, formatDigest, hashFor } from "../../oci/digest.ts";
import type { FetchBlobOptions } from "../../repository.ts";
import { type MirrorFailure, withMirrorFailures } from "./mirror-failures.ts";
import type { MirrorHost } from "./mirror-host.ts";
import type { Sources } from "./sources.ts";

/**
 * Streams a blob or a part of it from the first source that has it. Where one breaks for good, the next goes on at the
 * same byte. Sources verify what they give whole; as a blob may be pieced together, it is hashed here once more.
 * @throws RegistryError what the registry itself throws; `DIGEST_MISMATCH` when bytes that were handed out prove wrong
 */
export async function* fetchFromSources(
  sources: Sources,
  blob: Blob,
  { offset = 0, length, signal }: FetchBlobOptions = {},
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  const end = Math.min(blob.size, offset + (length ?? blob.size));
  const hash = offset === 0 && end === blob.size ? hashFor(blob.digest) : undefined;
  const failures: MirrorFailure[] = [];
  const givers: MirrorHost[] = [];
  let position = offset;

  async function* goOn(mirror?: MirrorHost): AsyncGenerator<Uint8Array> {
    const repository = mirror ? sources.at(mirror) : sources.origin;
    // the caller's own words as long as nothing has come: a mistake in them is the registry's to refuse
    const rest =
      position === offset ? { offset, length, signal } : { offset: position, length: end - position, signal };
    for await (const chunk of repository.fetchBlob(blob, rest)) {
      if (mirror && givers.at(-1) !== mirror) givers.push(mirror);
      position += chunk.byteLength;
      hash?.update(chunk); // before it is the caller's
      yield chunk;
    }
  }

  let isWhole = false;
  for (const mirror of sources.mirrors) {
    if (isWhole || !mirror.mayAsk(blob.digest)) continue;
    const before = position;
    try {
      yield* goOn(mirror);
      mirror.worked();
      isWhole = true;
    } catch (error) {
      signal?.throwIfAborted();
      failures.push({ mirror: mirror.place, error });
      const hasDelivered = position > before;
      mirror.failed(error, sources.nameOf(blob.digest), { digest: blob.digest, hasDelivered });
      isWhole = hasDelivered && position >= end; // too late for another source: what is out decides
    }
  }
  const isMirrored = isWhole;
  try {
    if (!isMirrored) yield* goOn();
  } catch (error) {
    signal?.throwIfAborted();
    if (givers.length === 0 || position < end) throw withMirrorFailures(error, failures);
  }
  if (!hash || givers.length === 0) return; // the registry verifies itself
  const actual = formatDigest(digestAlgorithm(blob.digest), hash);
  if (actual === blob.digest) return;
  for (const mirror of givers) mirror.distrust(blob.digest); // there is no telling who of them it was
  throw sources.damaged(blob.digest, actual, [
    ...givers.map(({ place }) => place),
    ...(isMirrored ? [] : [sources.origin.name]),
  ]);
}
