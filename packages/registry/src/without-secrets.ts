/** More is not kept of a text, in characters: the expressions take time with its square. */
const maxLength = 4096;

/**
 * Text without what secrets are known by: the user info of URLs and their queries, which may be signed, bearer tokens and
 * basic credentials. Registries say back what they were sent. No more than 4096 characters of it.
 */
export function withoutSecrets(text: string): string {
  return text
    .slice(0, maxLength)
    .replace(/(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@]+@/gi, "$1…@")
    .replace(/(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s?#"']+)\?[^\s"')]*/gi, "$1?…")
    .replace(/\b(bearer|basic)\s+(?=\S*[0-9._~+/=])[A-Za-z0-9._~+/-]{8,}=*/gi, "$1 …");
}
