import {
  type CallOptions,
  type Digest,
  isDigest,
  isTag,
  printable,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import { RootfsError } from "../errors.ts";
import { defaultRootfsLimits } from "../limits.ts";
import { hostPlatform } from "./image-platform.ts";
import { canonicalName, normalizeBaseUrl, parseImageRef, splitImageRef, wantedOf } from "./image-reference.ts";
import { requirePrivateCredentials } from "./plain-credentials.ts";
import { registryAuthOf } from "./registry-auth.ts";
import { resolveImage } from "./resolve-image.ts";
import type { PreparedSource, SourceSpec } from "./source.ts";

/** Where an image is read, what is asked for there, and what the image is called. */
interface ImagePlace {
  readonly repository: RepositoryReader;
  readonly wanted: Tag | Digest;
  readonly name: string;
}

/**
 * Finds an image in a registry or in the repository it is given, and pins it: whatever becomes of its tag, an export gets
 * what was found here. Leaves nothing behind.
 * @throws RootfsError `REFERENCE_INVALID`, `CREDENTIALS_EXPOSED`, `SOURCE_UNPREPARED` before anything is asked; what
 * {@link resolveImage} throws
 */
export async function prepareNative(spec: SourceSpec, { signal }: CallOptions = {}): Promise<PreparedSource> {
  signal?.throwIfAborted();
  const { repository, wanted, name } = spec.repository ? placeIn(spec.repository, spec) : placeAtHost(spec);
  const { image, config, indexDigest } = await resolveImage(repository, wanted, {
    name,
    platform: spec.platform ?? hostPlatform(),
    maxLayers: spec.limits?.maxLayers ?? defaultRootfsLimits.maxLayers,
    signal,
  });
  return {
    localRef: spec.imageRef,
    digest: image.reference,
    manifestDigest: image.manifest.descriptor.digest,
    indexDigest,
    config: config.config,
    configJson: config.configJson,
    masterNodeIp: normalizeBaseUrl(spec.downloadBaseUrl ?? ""),
    skopeoAuthFile: "",
    compressedSizeBytes: image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
    exportMode: "native",
    registryAuth: registryAuthOf(spec),
    onPullProgress: spec.onPullProgress,
    image,
    cleanup: async () => {},
  };
}

function placeAtHost(spec: SourceSpec): ImagePlace {
  const { imageRef, from } = spec;
  const reference = parseImageRef(imageRef);
  const { host, repository, isPlainHttp } = reference;
  const auth = registryAuthOf(spec) ?? undefined;
  requirePrivateCredentials(spec, reference);
  if (!from) {
    const reason = "it names a registry, and there is no `from` that opens one";
    throw new RootfsError("SOURCE_UNPREPARED", `cannot prepare ${imageRef}: ${reason}`, {
      reference: imageRef,
      reason,
    });
  }
  return {
    repository: from(host, { auth, isPlainHttp }).repository(repository),
    wanted: spec.reference ?? wantedOf(reference),
    name: canonicalName(reference),
  };
}

/** The name of an image that is not a host's is kept as it is written. */
function placeIn(repository: RepositoryReader, { imageRef, reference }: SourceSpec): ImagePlace {
  const { name, tag } = splitImageRef(imageRef);
  const at = imageRef.indexOf("@");
  const written = at < 0 ? tag : imageRef.slice(at + 1);
  const wanted = reference ?? (written === "" ? "latest" : written);
  if (!isDigest(wanted) && !isTag(wanted)) {
    const [shown, reason] = [printable(imageRef, 300), "what it ends with is neither a tag nor a digest"];
    const message = `${JSON.stringify(shown)} is no image reference: ${reason}`;
    throw new RootfsError("REFERENCE_INVALID", message, { reference: shown, reason });
  }
  return { repository, wanted, name: name === "" ? repository.name : printable(name, 1000) };
}
