import {
  type Digest,
  isDigest,
  isRepositoryPath,
  isTag,
  parsePlace,
  printable,
  RegistryError,
  type Tag,
} from "@tranship/registry";
import { RootfsError } from "../errors.ts";

/** A parsed image reference. */
export interface ImageReference {
  /** Such as `registry.example.com:5000`; Docker Hub's is `index.docker.io`. */
  readonly host: string;
  readonly repository: string;
  /** As it was written. Where a digest was written too, that decides. */
  readonly tag?: Tag | undefined;
  readonly digest?: Digest | undefined;
  /** Whether `http://` stood before it. */
  readonly isPlainHttp: boolean;
}

/** Where images live whose reference names no host. */
const dockerHub = "index.docker.io";

/** The names of Docker Hub: the one people write, the one of its references, the one of its API. */
const dockerHubNames: ReadonlySet<string> = new Set(["docker.io", dockerHub, "registry-1.docker.io"]);

const maxReferenceLength = 1024;

/**
 * Makes sure that a text is an image reference, and harmless as an argument of a program, before any is started or
 * anything connected to. Gives the reference without blanks around it and without `docker://` and `http(s)://`.
 * @throws RootfsError `REFERENCE_INVALID`
 */
export function validateImageRef(text: string): string {
  return checkedReference(text).bare;
}

/**
 * Parses a reference as Docker does: what stands before the first `/` is a host only if it is `localhost` or has a `.` or
 * `:` in it, else the image is Docker Hub's, where those without a folder are in `library`.
 * @throws RootfsError `REFERENCE_INVALID`
 */
export function parseImageRef(text: string): ImageReference {
  return checkedReference(text).parsed;
}

/** What is asked of the image's repository: the digest, else the tag, else `latest`. */
export function wantedOf({ tag, digest }: Pick<ImageReference, "tag" | "digest">): Tag | Digest {
  return digest ?? tag ?? "latest";
}

/** The full name of the image without tag and digest, such as `docker.io/library/alpine`. */
export function canonicalName({ host, repository }: Pick<ImageReference, "host" | "repository">): string {
  return `${host === dockerHub ? "docker.io" : host}/${repository}`;
}

/** Name and tag of a reference as they are written, without transport and digest; `tag` is empty when there is none. */
export function splitImageRef(text: string): { readonly name: string; readonly tag: string } {
  const bare = withoutTransport(text).bare.replace(/@.*$/s, "");
  const colon = bare.indexOf(":", bare.lastIndexOf("/") + 1);
  return colon < 0 ? { name: bare, tag: "" } : { name: bare.slice(0, colon), tag: bare.slice(colon + 1) };
}

/**
 * The host of a reference as credentials are stored under it; `docker.io` for Docker Hub. The tag of `nginx:1.27` makes no
 * host of it.
 */
export function registryHostOf(text: string): string {
  const host = hostOf(withoutTransport(text).bare)?.host;
  return host === undefined || dockerHubNames.has(host.toLowerCase()) ? "docker.io" : host;
}

/** The reference as `skopeo` takes it: with `docker://`. `http://` is no part of it: that is another of its options. */
export function skopeoSource(text: string): string {
  return `docker://${withoutTransport(text).bare}`;
}

/** An image layout as `skopeo` and `umoci` take it: `oci:DIR`, and `:tag` only where the reference has one. */
export function skopeoLayout(directory: string, text: string): string {
  const { tag } = splitImageRef(text);
  return tag === "" ? `oci:${directory}` : `oci:${directory}:${tag}`;
}

/** An address that begins with a scheme as it is, another one with `http://` before it; empty stays empty. */
export function normalizeBaseUrl(text: string): string {
  const address = text.trim();
  return address === "" || /^https?:\/\//.test(address) ? address : `http://${address}`;
}

function checkedReference(text: string): { readonly bare: string; readonly parsed: ImageReference } {
  const { bare, isPlainHttp } = withoutTransport(text);
  if (bare === "") throw invalid(text, "it is empty");
  if (bare.length > maxReferenceLength) throw invalid(text, `it is over ${maxReferenceLength} characters long`);
  if (bare.startsWith("-")) throw invalid(text, "it begins with a dash");
  if (!/^[A-Za-z0-9._:/@-]+$/.test(bare))
    throw invalid(text, "it has other characters than letters, digits and . _ : / @ -");
  return { bare, parsed: { ...parseBare(text, bare), isPlainHttp } };
}

function parseBare(text: string, bare: string): Omit<ImageReference, "isPlainHttp"> {
  const at = bare.indexOf("@");
  const digest = at < 0 ? undefined : bare.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) throw invalid(text, "what follows @ is no digest");
  const named = at < 0 ? bare : bare.slice(0, at);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !isTag(tag)) throw invalid(text, tag === "" ? "its tag is empty" : "its tag is none");
  const place = colon < 0 ? named : named.slice(0, colon);
  const { host, path } = hostOf(place) ?? { host: dockerHub, path: place };
  const isHub = dockerHubNames.has(host.toLowerCase());
  if (!isHub) requireHost(text, host);
  const repository = isHub && !path.includes("/") ? `library/${path}` : path;
  if (!isRepositoryPath(repository)) throw invalid(text, `${JSON.stringify(path)} is no repository path`);
  return { host: isHub ? dockerHub : host, repository, tag, digest };
}

/** The host a reference begins with, and what follows it. */
function hostOf(bare: string): { readonly host: string; readonly path: string } | undefined {
  const slash = bare.indexOf("/");
  const host = slash < 0 ? "" : bare.slice(0, slash);
  return host === "localhost" || /[.:]/.test(host) ? { host, path: bare.slice(slash + 1) } : undefined;
}

function requireHost(text: string, host: string): void {
  try {
    parsePlace(host);
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause;
    throw invalid(text, `${JSON.stringify(host)} is no registry host`, cause);
  }
}

/** One `docker://`, and after it one `http://` or `https://`. */
function withoutTransport(text: string): { readonly bare: string; readonly isPlainHttp: boolean } {
  const reference = text.trim().replace(/^docker:\/\//, "");
  return { bare: reference.replace(/^https?:\/\//, ""), isPlainHttp: reference.startsWith("http://") };
}

function invalid(text: string, reason: string, cause?: unknown): RootfsError<"REFERENCE_INVALID"> {
  // What may be a password before an @ is not repeated.
  const reference = printable(text.replace(/^((?:[a-z]+:\/\/)*)[^/@]*:[^/@]*@(?!sha)/, "$1***@"), 300);
  const message = `${JSON.stringify(reference)} is no image reference: ${reason}`;
  return new RootfsError("REFERENCE_INVALID", message, { reference, reason }, { cause });
}
