import { printable } from "@tranship/registry";

/** Longer messages are cut, in characters. */
const maxLength = 2000;

/**
 * Text that may be shown: without what follows a scheme's name where credentials go (user info of URLs, queries, bearer
 * tokens, basic credentials), without a user name and password before a place, and without control characters. Our own errors
 * hold none; what lies below them, or what was typed, may.
 */
export function redact(text: string): string {
  return printable(text, maxLength)
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, "$1…@")
    .replace(/(^|[\s"=:])[^\s/@:"=]+:[^\s/@"]+@(?!sha\d+:)(?=[a-z0-9.-]+(?::\d+)?\/)/gi, "$1…@")
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s?#"']+)\?[^\s"')]*/gi, "$1?…")
    .replace(/\b(bearer|basic)\s+(?=\S*[0-9._~+/=])[A-Za-z0-9._~+/-]{8,}=*/gi, "$1 …")
    .replace(/\b([a-z_-]*(?:token|password|secret)(?:=|["']\s*:\s*["']))[^\s"',;&)]+/gi, "$1…");
}
