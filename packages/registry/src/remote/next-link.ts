/**
 * The target of the link whose relation is `next`. Links are told apart by their angle brackets; a quoted value may hold
 * anything else.
 * @see RFC 8288, "Link Serialisation in HTTP Headers"
 */
export function nextLink(header: string | undefined): string | undefined {
  for (const [, target, parameters = ""] of (header ?? "").matchAll(/<([^<>]*)>([^<>]*)/g)) {
    if (isNext(parameters)) return target;
  }
  return undefined;
}

/**
 * Whether parameters of a link name the relation `next`. Piece by piece: one expression for all of it would take hours for a
 * header of spaces.
 */
export function isNext(parameters: string): boolean {
  for (const [, piece = ""] of parameters.matchAll(/;((?:[^;,"]|"[^"]*"?)*)/g)) {
    const equals = piece.indexOf("=");
    if (equals < 0 || piece.slice(0, equals).trim().toLowerCase() !== "rel") continue;
    const relations = piece
      .slice(equals + 1)
      .trim()
      .replace(/^"|"$/g, "")
      .toLowerCase();
    if (relations.split(/\s+/).includes("next")) return true;
  }
  return false;
}
