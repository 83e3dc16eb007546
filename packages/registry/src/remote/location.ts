/**
 * Where a `Location` or `Link` leads, seen from the URL that answered. A string tells why it cannot be followed.
 * A registry behind a proxy that ends TLS often names its own host with `http:`; that is read as `https:`, any other
 * way from https to http is refused.
 */
export function resolveLocation(location: string, from: URL): URL | string {
  let url: URL;
  try {
    url = new URL(location, from);
  } catch {
    return "its Location is not a URL";
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return `its Location is of scheme ${url.protocol}`;
  if (from.protocol === "https:" && url.protocol === "http:") {
    if (url.hostname !== from.hostname || (url.port !== "" && url.port !== from.port))
      return "it leads from https to http";
    const secure = new URL(url);
    secure.protocol = "https:";
    secure.port = from.port;
    url = secure;
  }
  url.username = "";
  url.password = "";
  url.hash = "";
  return url;
}
