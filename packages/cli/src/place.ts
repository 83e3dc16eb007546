import { readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { Bundle, LayoutRegistry } from "@tranship/core";
import { parsePlace, type Registry, type RegistryReader } from "@tranship/registry";
import type { CliContext, RegistryFlags } from "./context.ts";
import type { RegistrySide } from "./environment.ts";
import { UsageError } from "./usage-error.ts";

/** Where a command reads or writes, as written on the command line. */
export type CliPlace =
  | { readonly kind: "bundle"; readonly directory: string; readonly more?: readonly string[] | undefined }
  | { readonly kind: "oci"; readonly directory: string }
  | { readonly kind: "registry"; readonly place: string };

/** A place on this machine. */
export type LocalPlace = Exclude<CliPlace, { readonly kind: "registry" }>;

/**
 * Reads `bundle:DIR`, `oci:DIR` or `registry:HOST/PATH`; a bare word is a bundle when it is an existing path, else a
 * registry.
 * @throws UsageError
 */
export function parseCliPlace(text: string, exists: (path: string) => boolean): CliPlace {
  const [, scheme, rest = ""] = /^(bundle|registry|oci):(.*)$/.exec(text) ?? [];
  if (scheme !== undefined && rest === "") throw new UsageError(`${text}: nothing follows ${scheme}:`);
  if (scheme === "bundle" || scheme === "oci") return { kind: scheme, directory: rest };
  if (scheme === "registry") return { kind: "registry", place: rest };
  if (exists(text)) return { kind: "bundle", directory: text };
  if (looksLikePath(text)) throw new UsageError(`${text}: there is no such file or folder`);
  return { kind: "registry", place: text };
}

/**
 * Reads several places that are used as one: bundles' folders, archives and chunks of archives; a registry or a directory
 * of image layouts stands alone.
 * @throws UsageError
 */
export function parseCliPlaces(texts: readonly string[], exists: (path: string) => boolean = isThere): CliPlace {
  const [first, ...others] = texts.map((text) => parseCliPlace(text, exists));
  if (!first) throw new UsageError("no place was given, and no tranship.yaml here names one");
  if (others.length === 0) return first;
  const paths = [first, ...others].map((place, at) => {
    if (place.kind === "bundle") return place.directory;
    throw new UsageError(`${texts[at]}: only bundles and archives can be given together`);
  });
  return { kind: "bundle", directory: first.kind === "bundle" ? first.directory : "", more: paths.slice(1) };
}

/**
 * Says of places that were taken for a registry because nothing lies there that they may be misspelt files.
 * Gives `words` alone for those that say of themselves what they are.
 */
export function perhapsMisspelt(texts: readonly string[], words: string): string {
  const isBare = texts.every((text) => !text.includes(":"));
  return `${texts.join(" ")}: ${isBare ? "there is no such file or folder here, and " : ""}${words}`;
}

/** The paths of bundles that are used as one. */
export function bundlePaths(place: Extract<CliPlace, { readonly kind: "bundle" }>): readonly string[] {
  return [place.directory, ...(place.more ?? [])];
}

/** Whether a path exists, or is that of an archive of which only chunks exist. */
export function isThere(path: string): boolean {
  if (isEntry(path)) return true;
  if (!path.endsWith(".tar")) return false;
  try {
    return readdirSync(dirname(path)).some((name) => name.startsWith(`${basename(path)}.`) && name.endsWith(".chunk"));
  } catch {
    return false;
  }
}

/** Whether something is called that. What this user may not look at is there: opening it tells why it cannot be used. */
function isEntry(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    return ["EACCES", "EPERM", "EIO", "ELOOP"].includes(code);
  }
}

/**
 * Opens bundles' folders, archives and chunks of archives together; `bundle:` may stand before each.
 * @throws UsageError when one of them is not there
 */
export async function openBundle(places: readonly string[], { signal, onEvent }: CliContext): Promise<Bundle> {
  return await Bundle.open(requireBundles(places), { signal, onEvent });
}

/** The paths of bundles and archives; `bundle:` may stand before each. @throws UsageError when one is not there */
export function requireBundles(places: readonly string[]): readonly string[] {
  const paths = places.map((place) => place.replace(/^bundle:/, ""));
  const away = paths.find((path) => !isThere(path));
  if (away !== undefined) throw new UsageError(`bundle:${away}: there is no such file or folder`);
  return paths;
}

/** Opens a place for reading. @throws UsageError when there is no such folder */
export async function openReader(
  place: CliPlace,
  flags: RegistryFlags,
  context: CliContext,
  side?: RegistrySide,
): Promise<RegistryReader & AsyncDisposable> {
  return place.kind === "registry" ? await context.registry(place.place, flags, side) : await openLocal(place, context);
}

/** Opens what is on this machine for reading. @throws UsageError when it is not there */
export async function openLocal(place: LocalPlace, context: CliContext): Promise<RegistryReader & AsyncDisposable> {
  if (place.kind === "bundle") return await openBundle(bundlePaths(place), context);
  if (!isEntry(place.directory)) throw new UsageError(`oci:${place.directory}: there is no such folder`);
  return holdingNothing(await LayoutRegistry.open(place.directory, { readOnly: true }));
}

/**
 * Opens image layouts for reading and writing; their folder is made if it is missing. In a dry run nothing is made or
 * written.
 * @throws UsageError for a bundle
 */
export async function openWritable(place: LocalPlace, isDryRun = false): Promise<Registry & AsyncDisposable> {
  if (place.kind === "oci")
    return holdingNothing(await LayoutRegistry.open(place.directory, { create: true, readOnly: isDryRun }));
  throw new UsageError(`bundle:${place.directory}: only a pull writes a bundle; give oci:DIR or a registry`);
}

/** Opens what `--source` names; a bare word is a registry. @throws UsageError */
export async function openSource(
  text: string,
  flags: RegistryFlags,
  context: CliContext,
): Promise<RegistryReader & AsyncDisposable> {
  return await openReader(parseNamedPlace(text), flags, context, "source");
}

/** Opens what is written to, or would be if it were no dry run; a bare word is a registry. @throws UsageError */
export async function openTarget(
  text: string,
  { dryRun = false, ...flags }: RegistryFlags & { readonly dryRun?: boolean },
  context: CliContext,
): Promise<Registry & AsyncDisposable> {
  const place = parseNamedPlace(withoutScheme(text, flags));
  return place.kind === "registry" ? await context.registry(place.place, flags) : await openWritable(place, dryRun);
}

/**
 * Reads a source or a target. A bare word is a registry, whatever lies in the current folder. Without a path it is most
 * likely one that was forgotten: only this machine's may do without, as `serve` has them.
 * @throws UsageError; RegistryError `INVALID_REFERENCE`
 */
export function parseNamedPlace(text: string): CliPlace {
  if (looksLikePath(text))
    throw new UsageError(`${text}: there is no registry host in it; say what a folder holds: oci:DIR or bundle:DIR`);
  const place = parseCliPlace(text, () => false);
  if (place.kind !== "registry" || text.startsWith("registry:")) return place;
  const { host, path } = parsePlace(text);
  if (path !== "" || isLoopbackPlace(host)) return place;
  const example = `${host}/deckhouse/fe`;
  throw new UsageError(
    `${text} is missing the repository path: write it as ${example}, or as registry:${host} when the path is empty`,
  );
}

/** Whether only this machine answers there. */
export function isLoopbackPlace(host: string): boolean {
  return /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?$/i.test(host);
}

/** What `d8 mirror push` takes off a registry; a scheme that promises plain HTTP is believed only with the flag for it. */
function withoutScheme(text: string, { insecure }: RegistryFlags): string {
  const [, scheme, rest = text] = /^(https?):\/\/(.*)$/i.exec(text) ?? [];
  if (scheme?.toLowerCase() === "http" && !insecure && !isLoopbackPlace(rest.split("/")[0] ?? ""))
    throw new UsageError(`${text}: plain HTTP to another machine needs --insecure, and no scheme`);
  return rest;
}

/** Image layouts keep no file open between calls. */
function holdingNothing(registry: LayoutRegistry): LayoutRegistry & AsyncDisposable {
  return Object.assign(registry, { [Symbol.asyncDispose]: async () => {} });
}

/** Whether a word begins as paths do and registries do not, on this system or on Windows. */
function looksLikePath(text: string): boolean {
  return /^(?:[./~\\]|[A-Za-z]:[\\/])/.test(text);
}
