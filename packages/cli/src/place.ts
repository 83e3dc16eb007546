import { UsageError } from "./usage-error.ts";

/** Where a command reads or writes, as written on the command line. */
export type CliPlace =
  | { readonly kind: "bundle"; readonly directory: string }
  | { readonly kind: "registry"; readonly place: string };

/**
 * Reads `bundle:DIR` or `registry:HOST/PATH`; a bare word is a bundle when it is an existing path, else a registry.
 * @throws UsageError
 */
export function parseCliPlace(text: string, exists: (path: string) => boolean): CliPlace {
  const [, scheme, rest = ""] = /^(bundle|registry|oci):(.*)$/.exec(text) ?? [];
  if (scheme === "oci")
    throw new UsageError(`${text}: image layouts cannot be used here yet; give bundle:DIR or registry:HOST/PATH`);
  if (scheme !== undefined && rest === "") throw new UsageError(`${text}: nothing follows ${scheme}:`);
  if (scheme === "bundle") return { kind: "bundle", directory: rest };
  if (scheme === "registry") return { kind: "registry", place: rest };
  if (exists(text)) return { kind: "bundle", directory: text };
  if (/^[./~]/.test(text)) throw new UsageError(`${text}: there is no such file or folder`);
  return { kind: "registry", place: text };
}
