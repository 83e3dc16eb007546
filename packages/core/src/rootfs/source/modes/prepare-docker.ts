import { type CallOptions, type Credentials, dockerCredentials } from "@tranship/registry";
import { formatPlatform, isPlatform } from "../../../plan/platforms/platforms.ts";
import { RootfsError } from "../../errors.ts";
import type { ToolEnvironment } from "../../ext4/find-tool.ts";
import { type PullCounts, PullProgressTracker } from "../../progress/pull-progress.ts";
import { extractConfig, imageInvalid } from "../extract-config.ts";
import { hostPlatform, usualPlatform } from "../image-platform.ts";
import { normalizeBaseUrl, parseImageRef, registryHostOf, validateImageRef } from "../image-reference.ts";
import { registryAuthOf } from "../registry-auth.ts";
import type { PreparedSource, SourceSpec } from "../source.ts";
import { type DockerImage, dockerDigests } from "./docker-image.ts";
import { type FoundDaemon, findDaemon } from "./find-daemon.ts";
import { rememberDocker } from "./prepared-docker.ts";

/** How long taking back a pulled image may last, in milliseconds. */
const removeTimeoutMs = 60_000;

/**
 * Finds an image in a Docker daemon, which pulls it if it has none of that name: one that is there is used as it is, also
 * under a tag that has moved. The daemon's own settings say where it speaks plain HTTP: `http://` before the reference is
 * not passed on. `cleanup` removes the image if it was pulled for this, and nothing else uses it.
 * @throws RootfsError `REFERENCE_INVALID`, `DAEMON_FAILED`, `TOOL_FAILED`, `TOOL_UNFIT`, `PLATFORM_MISMATCH`,
 * `IMAGE_INVALID`, `CREDENTIALS_EXPOSED`
 */
export async function prepareDocker(spec: SourceSpec, options: CallOptions = {}): Promise<PreparedSource> {
  return await prepare(spec, options, true);
}

/**
 * The same for an image the daemon still has from before: nothing is pulled, and `cleanup` leaves all as it is.
 * @throws RootfsError as {@link prepareDocker}; `DAEMON_FAILED` when the image is gone
 */
export async function prepareLocalDocker(spec: SourceSpec, options: CallOptions = {}): Promise<PreparedSource> {
  return await prepare(spec, options, false);
}

async function prepare(spec: SourceSpec, { signal }: CallOptions, mayPull: boolean): Promise<PreparedSource> {
  const reference = daemonReference(spec.imageRef);
  const environment = spec.environment ?? process.env;
  const found = await findDaemon(reference, environment, signal);
  const { daemon } = found;
  let isPulled = false;
  let image = found.image;
  const cleanup = async () => {
    if (!isPulled) return;
    isPulled = false;
    // An abort must not keep it; one that is in use, or was given back by someone else, is not ours any more.
    await daemon.remove(reference, { signal: AbortSignal.timeout(removeTimeoutMs) }).catch(() => {});
  };
  try {
    if (image === undefined) {
      if (!mayPull) throw gone(reference);
      await pull(spec, reference, found, environment, signal);
      isPulled = true;
      image = await daemon.inspect(reference, { signal });
      if (image === undefined) throw imageInvalid(reference, "the daemon pulled it and does not have it");
    }
    requirePlatform(spec, reference, image);
    const prepared: PreparedSource = {
      localRef: spec.imageRef,
      ...dockerDigests(image, reference),
      ...extractConfig(image.Config, reference),
      masterNodeIp: normalizeBaseUrl(spec.downloadBaseUrl ?? ""),
      skopeoAuthFile: "",
      compressedSizeBytes: 0, // the daemon only knows how large it is unpacked
      unpackedSizeBytes: image.Size,
      exportMode: "docker",
      registryAuth: registryAuthOf(spec),
      onPullProgress: spec.onPullProgress,
      cleanup,
    };
    rememberDocker(prepared, { daemon, id: image.Id, platform: spec.platform ?? hostPlatform() });
    return prepared;
  } catch (error) {
    await cleanup();
    throw error;
  }
}

/** By digest where there is one, which a tag beside it cannot change. */
function daemonReference(text: string): string {
  const bare = validateImageRef(text);
  const { digest } = parseImageRef(text);
  if (digest === undefined) return bare;
  const named = bare.slice(0, bare.indexOf("@"));
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  return `${colon < 0 ? named : named.slice(0, colon)}@${digest}`;
}

async function pull(
  spec: SourceSpec,
  reference: string,
  found: FoundDaemon,
  environment: ToolEnvironment,
  signal: AbortSignal | undefined,
): Promise<void> {
  const given = registryAuthOf(spec);
  if (given !== null && found.isExposed && spec.allowExposedCredentials !== true) throw exposed(reference);
  const credentials = given ?? (await storedCredentials(reference, found, environment, signal));
  const { onPullProgress } = spec;
  const progress = onPullProgress && new PullProgressTracker(onPullProgress, { intervalMs: 200 });
  const { daemon } = found;
  const onProgress = (counts: PullCounts) => progress?.update(counts);
  await daemon.pull({ reference, platform: spec.platform, credentials }, { signal, onProgress });
  progress?.flush();
}

/** What `docker login` stored, which the program finds by itself; never sent where others could read it. */
async function storedCredentials(
  reference: string,
  { hasOwnCredentials, isExposed }: FoundDaemon,
  environment: ToolEnvironment,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  if (hasOwnCredentials || isExposed) return undefined;
  const { repository } = parseImageRef(reference);
  return await dockerCredentials({ env: environment })({ host: registryHostOf(reference), repository }, { signal });
}

/** A variant counts only where one was asked for, as everywhere. */
function requirePlatform({ platform }: SourceSpec, reference: string, image: DockerImage): void {
  const { Os: os, Architecture: architecture, Variant: variant } = image;
  if (!os || !architecture) return;
  const wanted = platform ?? hostPlatform();
  const actual = usualPlatform({ os, architecture, variant: variant || undefined });
  if (isPlatform(actual, wanted)) return;
  const names = { wanted: formatPlatform(wanted), actual: formatPlatform(actual) };
  const hint = platform === undefined ? "; name the platform to use it all the same" : "";
  const message = `cannot use ${reference}: the daemon has it for ${names.actual}, not for ${names.wanted}${hint}`;
  throw new RootfsError("PLATFORM_MISMATCH", message, { reference, ...names });
}

function gone(reference: string): RootfsError<"DAEMON_FAILED"> {
  const reason = "doing it again needs the image it was made of, and the daemon does not have that any more";
  return new RootfsError("DAEMON_FAILED", `cannot use ${reference}: ${reason}`, { endpoint: "docker", reason });
}

function exposed(reference: string): RootfsError<"CREDENTIALS_EXPOSED"> {
  const host = registryHostOf(reference);
  const message = `cannot pull ${reference}: the credentials for ${host} would travel in clear to the Docker daemon; use TLS, or allow it`;
  return new RootfsError("CREDENTIALS_EXPOSED", message, { reference, host });
}
