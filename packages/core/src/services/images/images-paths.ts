import { isRepositoryPath, joinPath } from "@tranship/registry";
import { MirrorError } from "../../errors.ts";
import { formatImageName, type ImageName } from "../../selection/image-name.ts";

/** A part of a full name at its beginning, and what is put in its place. */
export interface ImageRewrite {
  /** Whole components, such as `ghcr.io/org`. */
  readonly from: string;
  /** A path, such as `mirror/org`; may be empty. */
  readonly to: string;
}

/** Where images are stored and pushed, below the root of a registry. */
export interface ImagePathOptions {
  /**
   * Whether a path begins with the registry's host: `keep` makes `ghcr.io/org/app` of `ghcr.io/org/app`, `strip` makes
   * `org/app`. A port follows an underscore, which no host has: `localhost_5000/app`. @defaultValue "keep"
   */
  readonly host?: "keep" | "strip" | undefined;
  /** What comes before every path, such as `third-party`. @defaultValue nothing */
  readonly prefix?: string | undefined;
  /** Takes the place of what `host` makes of a name where one fits; of several the longest. @defaultValue none */
  readonly rewrites?: readonly ImageRewrite[] | undefined;
}

/**
 * Makes paths of names.
 * @throws MirrorError `SELECTION_INVALID` for a prefix or rewrite that makes no path, and from the function it gives, for a
 * name of which no path can be made
 */
export function imagePaths({
  host = "keep",
  prefix = "",
  rewrites = [],
}: ImagePathOptions = {}): (name: ImageName) => string {
  const before = pathOf(prefix, "prefix");
  const table = rewrites.map(({ from, to }) => ({ from: trimmed(from).toLowerCase(), to: pathOf(to, "rewrite") }));
  for (const { from } of table) {
    if (from === "") throw unusable("", "a rewrite needs what it is from");
    if (table.filter((other) => other.from === from).length > 1) throw unusable(from, "two rewrites are from it");
  }
  return (name) => {
    const full = formatImageName(name);
    const [fitting] = table
      .filter(({ from }) => full === from || full.startsWith(`${from}/`))
      .sort((a, b) => b.from.length - a.from.length);
    const kept = host === "keep" ? joinPath(hostPath(name.registry), name.repository) : name.repository;
    const path = joinPath(before, fitting ? joinPath(fitting.to, full.slice(fitting.from.length)) : kept);
    if (isRepositoryPath(path)) return path;
    throw unusable(full, `${JSON.stringify(path)} is no path of a repository`, "give it another one with a rewrite");
  };
}

/** A host as the first component of a path; different ones stay different. */
export function hostPath(host: string): string {
  const [, address, port] = /^\[(.*)\](?::([0-9]+))?$/.exec(host) ?? [];
  if (address === undefined) return host.replace(":", "_");
  const whole = address.replace(/^::/, "0::").replace(/::$/, "::0"); // a component begins and ends with more than a separator
  return `ipv6_${whole.replaceAll(":", "_")}${port === undefined ? "" : `-${port}`}`;
}

function pathOf(text: string, what: string): string {
  const path = trimmed(text);
  if (path === "" || isRepositoryPath(path)) return path;
  throw unusable(text, `the ${what} is no path of a repository`);
}

function trimmed(text: string): string {
  return joinPath(text.trim());
}

function unusable(expression: string, reason: string, hint?: string): MirrorError<"SELECTION_INVALID"> {
  const shown = JSON.stringify(expression.slice(0, 200));
  const message = `cannot make a path of ${shown}: ${reason}${hint === undefined ? "" : `; ${hint}`}`;
  return new MirrorError("SELECTION_INVALID", message, { expression, ...(hint === undefined ? {} : { hint }) });
}
