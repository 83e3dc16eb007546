import type { CallOptions } from "@tranship/registry";
import { findTool } from "../../ext4/find-tool.ts";
import { defaultRootfsLimits } from "../../limits.ts";
import { hostPlatform } from "../image-platform.ts";
import { canonicalName, normalizeBaseUrl, parseImageRef, registryHostOf, wantedOf } from "../image-reference.ts";
import { isLoopback, requirePrivateCredentials } from "../plain-credentials.ts";
import { registryAuthOf } from "../registry-auth.ts";
import { resolveImage } from "../resolve-image.ts";
import type { PreparedSource, RegistryAuthConfig, SourceSpec } from "../source.ts";
import { rememberDockerless } from "./prepared-dockerless.ts";
import { PrivateFolder } from "./private-folder.ts";
import { SkopeoRepository } from "./skopeo-repository.ts";

/**
 * Finds an image by skopeo, which asks the registry in our place. A tag is asked for once: everything after that, the copy
 * included, goes by digest. The digests, the choice out of an index and the config are those of `native`. Credentials lie in
 * a file that only its owner may read, until `cleanup`; without any, skopeo uses those it finds stored. Plain HTTP is spoken
 * where `http://` asks for it, and with this machine.
 * @throws RootfsError `REFERENCE_INVALID`, `CREDENTIALS_EXPOSED` before any program is started; `TOOL_MISSING`, `TOOL_FAILED`,
 * `PLATFORM_NOT_FOUND`, `PLATFORM_MISMATCH`, `IMAGE_INVALID`
 */
export async function prepareDockerless(spec: SourceSpec, { signal }: CallOptions = {}): Promise<PreparedSource> {
  const reference = parseImageRef(spec.imageRef);
  const isLocal = isLoopback(reference.host);
  const auth = registryAuthOf(spec);
  requirePrivateCredentials(spec, reference);
  const environment = spec.environment ?? process.env;
  await findTool("umoci", `unpack ${spec.imageRef}`, environment); // before anything is downloaded for it
  signal?.throwIfAborted();
  const folder = auth === null ? undefined : await PrivateFolder.make("cubemaster-skopeo-auth-");
  const cleanup = async () => await folder?.[Symbol.asyncDispose]();
  try {
    const authFile = auth === null ? undefined : await folder?.write("auth.json", authJson(spec.imageRef, auth));
    const access = { authFile, isPlainHttp: reference.isPlainHttp || isLocal, environment };
    const name = canonicalName(reference);
    const { image, config, indexDigest } = await resolveImage(new SkopeoRepository(name, access), wantedOf(reference), {
      name,
      platform: spec.platform ?? hostPlatform(),
      maxLayers: spec.limits?.maxLayers ?? defaultRootfsLimits.maxLayers,
      signal,
    });
    const prepared: PreparedSource = {
      localRef: spec.imageRef,
      digest: image.reference,
      manifestDigest: image.manifest.descriptor.digest,
      indexDigest,
      config: config.config,
      configJson: config.configJson,
      masterNodeIp: normalizeBaseUrl(spec.downloadBaseUrl ?? ""),
      skopeoAuthFile: authFile ?? "",
      compressedSizeBytes: image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
      exportMode: "dockerless",
      registryAuth: auth,
      onPullProgress: spec.onPullProgress,
      cleanup,
    };
    rememberDockerless(prepared, { access, image });
    return prepared;
  } catch (error) {
    await cleanup();
    throw error;
  }
}

function authJson(imageRef: string, { username, password }: RegistryAuthConfig): string {
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  return JSON.stringify({ auths: { [registryHostOf(imageRef)]: { auth } } });
}
