/** One challenge of a `WWW-Authenticate` header. @see RFC 9110, "Authentication Parameters" */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
// a value without quotes: a token, or the URL that some registries forget to quote
const bareValue = '[^\\s",=]+';
// one comma-separated piece: `scheme name="value"`, `scheme`, or another parameter of the scheme before
const piece = new RegExp(
  `^(?:(${token})(?:\\s+|$))?(?:(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${bareValue})))?$`,
);
// `Negotiate YII=`: a scheme with one value of base64, which is not kept
const schemeWithBlob = new RegExp(`^(${token})\\s+[A-Za-z0-9._~+/-]+=*$`);

/** Longer headers are not looked at, in characters. */
const maxLength = 8 * 1024;

/** Parses a `WWW-Authenticate` header, several in one included. Pieces that make no sense are left out. */
export function parseChallenges(header: string | undefined): readonly Challenge[] {
  if (header === undefined || header.length > maxLength) return [];
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (const text of splitOutsideQuotes(header)) {
    const [whole, scheme, name, quoted, bare] = piece.exec(text.trim()) ?? schemeWithBlob.exec(text.trim()) ?? [];
    if (!whole) continue;
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    const current = challenges.at(-1);
    if (current && name !== undefined) {
      current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/gs, "$1") ?? bare ?? "";
    }
  }
  return challenges;
}

function* splitOutsideQuotes(text: string): Generator<string> {
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    if (quoted && text[at] === "\\") at += 1;
    else if (text[at] === '"') quoted = !quoted;
    else if (text[at] === "," && !quoted) {
      yield text.slice(start, at);
      start = at + 1;
    }
  }
  yield text.slice(start);
}
