import { isAbsolute, join } from "node:path";

/** The folder of a configuration: what relative paths in it are relative to. */
export interface ConfigFolder {
  /** A path as it is from the working folder. */
  path(text: string): string;
  /** The same of `oci:DIR` and `bundle:DIR`; registries stay as they are. */
  place(text: string): string;
  /** A bundle's folder, with `bundle:` before it or not, as `bundle:DIR`. */
  bundle(text: string): string;
}

/** @param folder From the working folder, such as `.` */
export function configFolder(folder: string): ConfigFolder {
  const path = (text: string) => (isAbsolute(text) ? text : join(folder, text));
  const place = (text: string) => {
    const [, scheme, rest = ""] = /^(bundle|oci):(.+)$/.exec(text) ?? [];
    return scheme === undefined ? text : `${scheme}:${path(rest)}`;
  };
  return { path, place, bundle: (text) => place(`bundle:${text.replace(/^bundle:/, "")}`) };
}
