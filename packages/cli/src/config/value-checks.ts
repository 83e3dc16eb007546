import {
  type ImagePathOptions,
  ImagesService,
  imagePaths,
  isMirrorError,
  minChunkBytes,
  parseFilter,
} from "@tranship/core";
import { isRegistryError, isRepositoryPath, parsePlace } from "@tranship/registry";
import { parseByteSize } from "../flags/byte-size.ts";
import { parseDuration } from "../flags/duration.ts";
import { parseListenAddress } from "../listen-address.ts";
import { parseNamedPlace } from "../place.ts";
import type { NameConfig } from "./config.ts";

/** What is wrong with a value, for people; `undefined` when nothing is. */
export type Fault = string | undefined;

/** The fault of what `read` reads: what it throws, without the flag it may be named after. */
function faultOf(read: () => unknown): Fault {
  try {
    read();
    return undefined;
  } catch (error) {
    const isTold =
      (error instanceof Error && error.name === "UsageError") ||
      isMirrorError(error, "SELECTION_INVALID") ||
      isRegistryError(error, "INVALID_REFERENCE");
    if (!isTold) throw error;
    return (error as Error).message.replace(/^--[a-z-]+ /, "").trim();
  }
}

/** Of a size in bytes. */
export function sizeFault(value: string | number): Fault {
  return faultOf(() => parseByteSize(String(value), ""));
}

/** Of the size of chunks. */
export function chunkSizeFault(value: string | number): Fault {
  return faultOf(() => parseByteSize(String(value), "", minChunkBytes));
}

/** Of a duration from 0 on. */
export function durationFault(value: string | number): Fault {
  const ms = parseDuration(String(value));
  return ms !== undefined && ms >= 0 ? undefined : "write it as a duration, such as 90s, 30m or 4h; 0 for ever";
}

/** Of an address to listen on. */
export function listenFault(value: string): Fault {
  return faultOf(() => parseListenAddress(value));
}

/** Of a registry with a path, `oci:DIR` or `bundle:DIR`. */
export function sourceFault(value: string): Fault {
  return faultOf(() => parseNamedPlace(value));
}

/** Of a place that is written to. */
export function targetFault(value: string): Fault {
  if (value.startsWith("bundle:")) return "only a pull writes a bundle: give a registry and path, or oci:DIR";
  return sourceFault(value.replace(/^https?:\/\//i, ""));
}

/** Of a registry, or a path in one. */
export function placeFault(value: string): Fault {
  return faultOf(() => parsePlace(value));
}

/** Of a registry's host. */
export function hostFault(value: string): Fault {
  const fault = placeFault(value);
  if (fault !== undefined || !value.includes("/")) return fault;
  return "a registry is named by its host alone here, such as registry.example.com or registry.example.com:5000";
}

/** Of a catalog's path; `/` is the root. */
export function pathFault(value: string): Fault {
  const path = value.split("/").filter(Boolean).join("/");
  return path === "" || isRepositoryPath(path) ? undefined : "it is no path of a repository";
}

/** Of the URL of a proxy, which must not hold a password here. */
export function proxyFault(value: string | false): Fault {
  if (value === false) return undefined;
  const url = URL.parse(value);
  if (!url || !/^https?:$/.test(url.protocol))
    return "write it as a URL, such as http://proxy.internal:3128; false for none";
  if (url.username === "" && url.password === "") return undefined;
  return "no password stands in this file: leave the proxy to the variables HTTPS_PROXY and HTTP_PROXY, or to --proxy";
}

/** The expression of a name and its versions, as flags have it. */
export function nameExpression(value: NameConfig): string {
  if (typeof value === "string") return value;
  return value.versions === undefined ? value.name : `${value.name}@${value.versions}`;
}

/** Of a package or module to include. */
export function includeFault(value: NameConfig): Fault {
  return faultOf(() => parseFilter({ include: [nameExpression(value)] }));
}

/** Of a package or module to exclude. */
export function excludeFault(value: string): Fault {
  return faultOf(() => parseFilter({ exclude: [value] }));
}

/** Of images that are asked for. */
export function imageFault(value: unknown): Fault {
  return faultOf(() => new ImagesService({ images: [value as string], from: askedTooEarly }));
}

/** Of images that are left out. */
export function imageExclusionFault(value: string): Fault {
  return faultOf(() => new ImagesService({ images: ["any"], exclude: [value], from: askedTooEarly }));
}

/** Of an operating system and architecture. */
export function platformFault(value: string): Fault {
  return faultOf(() => new ImagesService({ images: ["any"], platforms: [value], from: askedTooEarly }));
}

/** Of where images go. */
export function imagePathsFault(value: ImagePathOptions): Fault {
  return faultOf(() => imagePaths(value));
}

/** A service that is made to check what it is made of asks nobody. */
function askedTooEarly(): never {
  throw new Error("nothing is asked while a configuration is read");
}
