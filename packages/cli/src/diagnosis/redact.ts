import { printable, withoutSecrets } from "@tranship/registry";

/** Longer messages are cut, in characters. */
const maxLength = 2000;

/**
 * Text that may be shown: without what follows a scheme's name where credentials go (user info of URLs, queries, bearer
 * tokens, basic credentials), without a user name and password before a place, and without control characters. Our own errors
 * hold none; what lies below them, or what was typed, may.
 */
export function redact(text: string): string {
  return withoutSecrets(printable(text, maxLength))
    .replace(/(^|[\s"=:])[^\s/@:"=]+:[^\s/@"]+@(?!sha\d+:)(?=[a-z0-9.-]+(?::\d+)?\/)/gi, "$1…@")
    .replace(/\b([a-z_-]*(?:token|password|secret)(?:=|["']\s*:\s*["']))[^\s"',;&)]+/gi, "$1…");
}
