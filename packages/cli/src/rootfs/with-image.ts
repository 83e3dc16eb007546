import { statSync } from "node:fs";
import {
  exportModeOf,
  openSource,
  type PreparedSource,
  parseImageRef,
  parsePlatform,
  prepareSource,
  type RootfsLimits,
  type SourcePlace,
  type SourceSpec,
} from "@tranship/core/rootfs";
import { parseReference } from "@tranship/registry";
import type { CliContext } from "../context.ts";
import { credentialsOf, hasCredentials } from "../flags/credential-flags.ts";
import type { RootfsFlags } from "../flags/rootfs-flags.ts";
import { isLoopbackPlace, isThere, parseCliPlace } from "../place.ts";
import { Sources } from "../sources.ts";
import { UsageError } from "../usage-error.ts";

/** What of a {@link SourceSpec} does not depend on where the image is. */
type Wanted = Pick<SourceSpec, "platform" | "limits" | "environment">;

/** Works with a prepared image; what it is read from stays open until then. */
type Work<Result> = (source: PreparedSource) => Promise<Result>;

/**
 * Finds the image that is asked for, pins it, and gives it to `work`. Without `--source` it is found by its name alone: what
 * the configuration and the environment call the source is where packages come from.
 * @throws UsageError; RootfsError, MirrorError and RegistryError of finding it
 */
export async function withImage<Result>(
  reference: string | undefined,
  flags: RootfsFlags,
  limits: Partial<RootfsLimits>,
  context: CliContext,
  work: Work<Result>,
): Promise<Result> {
  const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform);
  const wanted: Wanted = { platform, limits, environment: context.environment };
  const place = flags.source === undefined ? undefined : parsePlaceOfImage(flags.source);
  if (place === undefined) return await withNamedImage(requireReference(reference), flags, wanted, context, work);
  if (flags.mode !== undefined && flags.mode !== "native")
    throw new UsageError(`--mode ${flags.mode} reads images by their whole names: give that, without --source`);
  if (place.kind === "registry")
    return await withImageBelow(place.place, requireReference(reference), flags, wanted, context, work);
  const { signal } = context;
  await using opened = await openSource(place, reference, { signal });
  return await prepared({ ...wanted, ...opened.spec }, context, work);
}

type PlaceOfImage = SourcePlace | { readonly kind: "registry"; readonly place: string };

/** @throws UsageError when it is not there */
function parsePlaceOfImage(text: string): PlaceOfImage {
  const [, archive] = /^docker-archive:(.*)$/s.exec(text) ?? [];
  const place = archive === undefined ? parseCliPlace(text, isThere) : undefined;
  if (place?.kind === "registry") return place;
  const path = place?.directory ?? archive ?? "";
  if (path === text && statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(
      `--source ${text}: say what it is: docker-archive:${text}, as \`docker save\` writes it, or bundle:${text}`,
    );
  if (!isThere(path)) throw new UsageError(`--source ${text}: there is no such file or folder`);
  return { kind: place?.kind ?? "docker-archive", path };
}

function requireReference(reference: string | undefined): string {
  if (reference === undefined)
    throw new UsageError(
      "no image was named: give its name, such as alpine:3.20, or --source with a place that has one",
    );
  if (/^(?:bundle|oci|docker-archive):/.test(reference))
    throw new UsageError(`${reference}: where an image lies is said by --source ${reference}; its name stands alone`);
  return reference;
}

/** An image of the registry its name begins with. */
async function withNamedImage<Result>(
  imageRef: string,
  flags: RootfsFlags,
  wanted: Wanted,
  context: CliContext,
  work: Work<Result>,
): Promise<Result> {
  const { host, isPlainHttp } = parseImageRef(imageRef);
  if (isPlainHttp && !flags.insecure && !isLoopbackPlace(host))
    throw new UsageError(`${imageRef}: plain HTTP to another machine needs --insecure`);
  const mode = flags.mode ?? (await exportModeOf(context.environment));
  const spec = { ...wanted, imageRef, mode };
  if (mode !== "native") return await prepared({ ...spec, ...(await loginOf(flags, context)) }, context, work);
  const plain = host === "index.docker.io" ? "docker.io" : host;
  await using sources = new Sources(flags, context);
  const of = await sources.ofHosts([plain], { isSourceAsked: false });
  return await prepared({ ...spec, from: () => of(plain) }, context, work);
}

/** An image of a registry, its name continued. */
async function withImageBelow<Result>(
  place: string,
  name: string,
  flags: RootfsFlags,
  wanted: Wanted,
  context: CliContext,
  work: Work<Result>,
): Promise<Result> {
  const imageRef = `${place.replace(/\/+$/, "")}/${name}`;
  const { registry: host, repository, tag, digest } = parseReference(imageRef);
  await using sources = new Sources(flags, context);
  const of = await sources.ofHosts([host], { isSourceAsked: true });
  const spec = { ...wanted, imageRef, repository: of(host).repository(repository), reference: digest ?? tag };
  return await prepared(spec, context, work);
}

/** Who asks, for programs and daemons that are not asked in our way. */
async function loginOf(flags: RootfsFlags, { environment, input }: CliContext): Promise<Partial<SourceSpec>> {
  const side = hasCredentials(flags) ? "source" : "elsewhere";
  const login = await credentialsOf(flags, side, environment, input);
  if (login === undefined) return {};
  const allowExposedCredentials = flags.insecure ?? false;
  return { registryUsername: login.username, registryPassword: login.password, allowExposedCredentials };
}

async function prepared<Result>(
  spec: SourceSpec,
  { signal, onEvent }: CliContext,
  work: Work<Result>,
): Promise<Result> {
  const startedMs = performance.now();
  onEvent({ type: "stage.started", stage: "resolve" });
  const source = await prepareSource(spec, { signal });
  try {
    onEvent({ type: "stage.finished", stage: "resolve", elapsedMs: Math.round(performance.now() - startedMs) });
    return await work(source);
  } finally {
    await source.cleanup();
  }
}
