import { DepsError } from "../errors.ts";

/** An address fit for messages: without user info, query and fragment, which may hold secrets, and not too long. */
export function shownUrl(url: string | URL): string {
  const text = String(url);
  const shown =
    URL.canParse(text) && /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
      ? withoutSecrets(new URL(text))
      : text.replace(/^.*@/s, "").replace(/[?#].*$/s, ""); // in this order: a password may have any of them in it
  return shown.slice(0, 300);
}

function withoutSecrets(url: URL): string {
  url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  return url.href;
}

/**
 * An address of a web server.
 * @throws DepsError `URL_INVALID`
 */
export function parseHttpUrl(url: string, item: string): URL {
  if (/^https?:\/\//i.test(url) && URL.canParse(url)) return new URL(url);
  const shown = shownUrl(url);
  const reason = "it is no http or https address";
  throw new DepsError("URL_INVALID", `cannot fetch ${item} from ${JSON.stringify(shown)}: ${reason}`, {
    item,
    url: shown,
    reason,
  });
}
