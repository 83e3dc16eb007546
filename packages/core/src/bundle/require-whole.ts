import { formatName } from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { nameSome } from "../name-some.ts";
import type { BasedSource } from "./assumed.ts";
import { countAssumed } from "./assumed-count.ts";

/** How many references an error carries. */
const maxReferences = 100;

/**
 * Makes sure that nothing a source needs is left to a base, as whoever reads from it alone could not get that.
 * @throws MirrorError `BASE_MISSING`
 */
export function requireWhole(source: BasedSource & { readonly name: string }): void {
  const assumed = source.assumed();
  if (assumed.length === 0) return;
  const { blobs, bytes } = countAssumed(assumed);
  const references = assumed.map(({ path, digest }) => formatName(path, digest));
  const message =
    `cannot use ${source.name} alone: it was made over a base and lacks ${blobs} blob${blobs === 1 ? "" : "s"} ` +
    `(${bytes} bytes) of it: ${nameSome(references)}`;
  const details = { place: source.name, blobs, bytes, references: references.slice(0, maxReferences) };
  throw new MirrorError("BASE_MISSING", message, details);
}
