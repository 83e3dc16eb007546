import { DepsError } from "../errors.ts";
import { requireRepository } from "./repository-path.ts";

/** An image reference in its parts; what it does not have is empty. */
export interface ImageName {
  /** Without tag and digest, as it is written. */
  readonly name: string;
  readonly tag: string;
  readonly digest: string;
}

/** Splits a reference as charts write it, at its first `@` and at the `:` after its last `/`. Nothing is checked. */
export function splitImageName(image: string): ImageName {
  const at = image.indexOf("@");
  const named = at < 0 ? image : image.slice(0, at);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  return {
    name: colon < 0 ? named : named.slice(0, colon),
    tag: colon < 0 ? "" : named.slice(colon + 1),
    digest: at < 0 ? "" : image.slice(at + 1),
  };
}

/** The host of an image's registry; Docker Hub where it names none. */
export function registryHost(image: string): string {
  return explicitHost(splitImageName(image).name) ?? "docker.io";
}

/**
 * The repository of an image in the store: its host and path, below `prefix`. Docker Hub is written out where the image
 * names no host.
 * @throws DepsError `REFERENCE_INVALID`, `NAME_UNSAFE`
 */
export function storeRepository(image: string, prefix: string): string {
  const { name } = splitImageName(image);
  if (name === "") {
    const reason = "it names no repository";
    const message = `${JSON.stringify(image.slice(0, 300))} is no image reference: ${reason}`;
    throw new DepsError("REFERENCE_INVALID", message, { reference: image.slice(0, 300), reason });
  }
  const before = prefix.replace(/^[\s/]+|[\s/]+$/g, "");
  const repository = fullName(name);
  return requireRepository(before === "" ? repository : `${before}/${repository}`, "repository");
}

/**
 * An image's reference in a registry that serves the store: with the tag and digest it has.
 * @throws DepsError `REFERENCE_INVALID`, `NAME_UNSAFE`
 */
export function mirroredImageRef(host: string, prefix: string, image: string): string {
  const { tag, digest } = splitImageName(image);
  return `${host}/${storeRepository(image, prefix)}${tag && `:${tag}`}${digest && `@${digest}`}`;
}

/** The reference of an image by its digest alone. */
export function resolvedImageRef(image: string, digest: string): string {
  return `${splitImageName(image).name}@${digest}`;
}

/** The tag of a chart's version: tags know no `+`. */
export function chartTag(version: string): string {
  return version.replaceAll("+", "_");
}

/** The name with its host, Docker Hub's where it names none. */
function fullName(name: string): string {
  if (explicitHost(name) !== undefined) return name;
  return name.includes("/") ? `docker.io/${name}` : `docker.io/library/${name}`;
}

function explicitHost(name: string): string | undefined {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  return first === "localhost" || /[.:]/.test(first) ? first : undefined;
}
