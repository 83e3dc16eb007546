import { RegistryError } from "../errors.ts";
import { type Digest, digestAlgorithm, digestHex, isDigest, parseDigest } from "./digest.ts";

/** A tag: up to 128 characters of letters, digits, `_`, `.` and `-`. A digest is never one, so the two share parameters. */
export type Tag = string;

/** A parsed `host/repository:tag@digest`; `tag` and `digest` are absent when not written. */
export interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: Tag | undefined;
  readonly digest?: Digest | undefined;
}

const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
const hostPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?$`);

/** A name of the domain name system and a port, in characters. */
const maxHostLength = 259;

/** Whether `text` may be a tag (distribution-spec v1.1.1, "Pulling manifests"). */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** @throws RegistryError `INVALID_REFERENCE` */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw invalid("tag", text);
}

/** Whether `text` may be a repository path, such as `deckhouse/fe/packages/console`. */
export function isRepositoryPath(text: string): boolean {
  return text.length <= 255 && repositoryPattern.test(text);
}

/** @throws RegistryError `INVALID_REFERENCE` */
export function parseRepositoryPath(text: string): string {
  if (isRepositoryPath(text)) return text;
  throw invalid("repository path", text);
}

/** Joins path segments, dropping empty ones: `joinPath("", "packages", "a/b")` is `packages/a/b`. */
export function joinPath(...segments: readonly string[]): string {
  return segments
    .flatMap((segment) => segment.split("/"))
    .filter((segment) => segment !== "")
    .join("/");
}

/** A registry host and the path its repositories live below; `path` is empty for the whole host. */
export interface Place {
  readonly host: string;
  readonly path: string;
}

/**
 * Splits `host[:port][/path]`. The first component is always the host. A scheme, user info, tag or digest is refused.
 * @throws RegistryError `INVALID_REFERENCE`
 */
export function parsePlace(text: string): Place {
  const slash = text.indexOf("/");
  const host = slash < 0 ? text : text.slice(0, slash);
  if (!isHost(host)) throw invalid("registry host", text);
  const path = slash < 0 ? "" : withoutSlashesAtEnd(text.slice(slash + 1));
  if (path !== "" && !isRepositoryPath(path)) throw invalid("registry and path", text);
  return { host, path };
}

/** Whether text is a host that a URL can have: of an address of numbers, too, each is one that fits. */
function isHost(text: string): boolean {
  return text.length <= maxHostLength && hostPattern.test(text) && URL.canParse(`https://${text}`);
}

/** Not by a regular expression: that would try every slash of a million for the last one. */
function withoutSlashesAtEnd(text: string): string {
  let end = text.length;
  while (text[end - 1] === "/") end -= 1;
  return text.slice(0, end);
}

/**
 * Parses `host/repository[:tag][@digest]`. The first component is always the host: a bare `alpine` is refused, not
 * sent to a default registry.
 * @throws RegistryError `INVALID_REFERENCE`
 */
export function parseReference(text: string): Reference {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : parseDigest(text.slice(at + 1));
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(":", named.lastIndexOf("/"));
  const tag = colon < 0 || !named.includes("/") ? undefined : parseTag(named.slice(colon + 1));
  const place = tag === undefined ? named : named.slice(0, colon);
  const { host, path } = parsePlace(place);
  if (path === "" || place.endsWith("/")) throw invalid("reference", text);
  return { registry: host, repository: path, tag, digest };
}

/** The text of a reference; the inverse of {@link parseReference}. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** `name:tag` or `name@digest`, as messages and `ref.name` annotations spell it. */
export function formatName(name: string, reference: Tag | Digest): string {
  return `${name}${isDigest(reference) ? "@" : ":"}${reference}`;
}

/**
 * The tag under which registries without the referrers API keep the list of what refers to `subject`.
 * @see distribution-spec v1.1.1, "Referrers Tag Schema"
 */
export function referrersTag(subject: Digest): Tag {
  return `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, 64)}`;
}

function invalid(what: string, given: string): RegistryError<"INVALID_REFERENCE"> {
  const text = withoutSecrets(given).slice(0, 300);
  return new RegistryError("INVALID_REFERENCE", `not a ${what}: ${JSON.stringify(text)}`, { text });
}

/** What may be a password before an `@`, or a token in a query, is not repeated in messages. A digest stays. */
function withoutSecrets(text: string): string {
  const at = text.search(/@(?!sha(?:256|512):[0-9a-f]*$)/);
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? "";
  const shown = at < 0 ? text : `${scheme}***${text.slice(text.lastIndexOf("@", text.length))}`;
  return shown.replace(/\?.*$/s, "?***");
}
