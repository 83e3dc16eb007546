/** What is shorter is no secret, and part of many words, in characters. */
const shortest = 4;

/**
 * Text without the secrets of the `Authorization` header that a request was sent with, in whatever words they are said
 * back: a token; a password, alone or with its user name, as it is and as it travels.
 */
export function withoutSent(text: string, authorization: string | undefined): string {
  return secretsOf(authorization).reduce((rest, secret) => rest.replaceAll(secret, "…"), text);
}

/** The longest first: it may hold the others. */
function secretsOf(authorization: string | undefined): readonly string[] {
  const [, scheme = "", value = ""] = /^(\S+) (.+)$/.exec(authorization ?? "") ?? [];
  const pair = scheme.toLowerCase() === "basic" ? Buffer.from(value, "base64").toString("utf8") : "";
  const password = pair.slice(pair.indexOf(":") + 1);
  return [value, pair, password]
    .flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
    .filter((secret) => secret.length >= shortest)
    .sort((a, b) => b.length - a.length);
}
