import { existsSync } from "node:fs";
import { Bundle, LayoutRegistry } from "@tranship/core";
import type { Registry, RegistryReader } from "@tranship/registry";
import type { CliContext, RegistryFlags } from "./context.ts";
import { UsageError } from "./usage-error.ts";

/** Where a command reads or writes, as written on the command line. */
export type CliPlace =
  | { readonly kind: "bundle"; readonly directory: string }
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
  if (/^[./~]/.test(text)) throw new UsageError(`${text}: there is no such file or folder`);
  return { kind: "registry", place: text };
}

/** Opens a place for reading. @throws UsageError when there is no such folder */
export async function openReader(
  place: CliPlace,
  flags: RegistryFlags,
  context: CliContext,
): Promise<RegistryReader & AsyncDisposable> {
  return place.kind === "registry" ? await context.registry(place.place, flags) : await openLocal(place, context);
}

/** Opens a folder on this machine for reading. @throws UsageError when there is none */
export async function openLocal(
  { kind, directory }: LocalPlace,
  { signal, onEvent }: CliContext,
): Promise<RegistryReader & AsyncDisposable> {
  if (!existsSync(directory)) throw new UsageError(`${kind}:${directory}: there is no such folder`);
  if (kind === "bundle") return await Bundle.open(directory, { signal, onEvent });
  return holdingNothing(await LayoutRegistry.open(directory, { readOnly: true }));
}

/** Opens image layouts for reading and writing; their folder is made if it is missing. @throws UsageError for a bundle */
export async function openWritable(place: LocalPlace): Promise<Registry & AsyncDisposable> {
  if (place.kind === "oci") return holdingNothing(await LayoutRegistry.open(place.directory, { create: true }));
  throw new UsageError(`bundle:${place.directory}: only a pull writes a bundle; give oci:DIR or a registry`);
}

/** Opens what `--source` names; a bare word is a registry. @throws UsageError */
export async function openSource(
  text: string,
  flags: RegistryFlags,
  context: CliContext,
): Promise<RegistryReader & AsyncDisposable> {
  return await openReader(parseNamedPlace(text), flags, context);
}

/** Opens what is written to; a bare word is a registry. @throws UsageError */
export async function openTarget(
  text: string,
  flags: RegistryFlags,
  context: CliContext,
): Promise<Registry & AsyncDisposable> {
  const place = parseNamedPlace(text);
  return place.kind === "registry" ? await context.registry(place.place, flags) : await openWritable(place);
}

/** A bare word is a registry, whatever lies in the current folder. */
function parseNamedPlace(text: string): CliPlace {
  if (/^[./~]/.test(text)) throw new UsageError(`${text}: say what the folder holds: oci:DIR or bundle:DIR`);
  return parseCliPlace(text, () => false);
}

/** Image layouts keep no file open between calls. */
function holdingNothing(registry: LayoutRegistry): LayoutRegistry & AsyncDisposable {
  return Object.assign(registry, { [Symbol.asyncDispose]: async () => {} });
}
