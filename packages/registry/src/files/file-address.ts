import { RegistryError } from "../errors.ts";
import { printable } from "../printable.ts";
import type { PasswordCredentials } from "../remote/auth/authenticator.ts";
import type { Operation } from "../remote/operation.ts";
import { printableUrl } from "../remote/operation.ts";

/** An address taken apart. */
export interface FileAddress {
  /** Without user info and fragment. */
  readonly url: URL;
  /** Of its user info. */
  readonly credentials: PasswordCredentials | undefined;
}

/** More of an address is not shown: where redirects lead, others have chosen. */
const longestShown = 500;

/**
 * Reads the address of a file.
 * @throws RegistryError `INVALID_REFERENCE` for text that is no URL of http or https; it is shown without user info and query
 */
export function parseFileAddress(text: string): FileAddress {
  const url = URL.parse(text);
  if (!url) throw invalid(text.includes("@") ? "an address with user info" : text.replace(/[?#].*/s, ""), "no URL");
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw invalid(`${url.protocol}…`, "files are fetched by http and https alone");
  }
  const { username, password } = url;
  const credentials =
    username === "" && password === "" ? undefined : { username: decoded(username), password: decoded(password) };
  return { url: bare(url), credentials };
}

/** The same address without user info and fragment. */
export function bare(url: URL): URL {
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  copy.hash = "";
  return copy;
}

/** What is being done, for errors: the file as it was asked for, and where redirects have led. */
export function operationOf(first: URL, now: URL): Operation {
  const reference = shown(first);
  const way = now.href === first.href ? "" : `, which leads to ${shown(now)}`;
  return { registry: now.host, reference, what: `fetch ${reference}${way}` };
}

function shown(url: URL): string {
  return printable(printableUrl(url), longestShown);
}

function invalid(text: string, reason: string): RegistryError {
  const short = printable(text, longestShown);
  return new RegistryError("INVALID_REFERENCE", `cannot fetch ${short}: ${reason}`, { text: short });
}

/** A name or password may hold a bare percent sign. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
