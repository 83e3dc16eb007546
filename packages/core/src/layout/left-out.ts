import { Annotation, type Descriptor, type Digest, isDigest } from "@tranship/registry";

/**
 * The manifests below an index that its layout says it leaves out on purpose: that one of them is not there is no fault.
 * Only the entry of an `index.json` says so; what a registry answers never does.
 */
export function leftOutOf({ annotations }: Pick<Descriptor, "annotations">): ReadonlySet<Digest> {
  return new Set((annotations?.[Annotation.leftOut] ?? "").split(" ").filter(isDigest));
}

/** What any of the entries that list an index says of that: those of other tools say nothing. */
export function leftOutOfAny(entries: readonly Descriptor[], digest: Digest): ReadonlySet<Digest> {
  return new Set(entries.flatMap((entry) => (entry.digest === digest ? [...leftOutOf(entry)] : [])));
}

/** The entry, saying that just these are left out; without any, it says nothing of that. */
export function withLeftOut(entry: Descriptor, leftOut: Iterable<Digest>): Descriptor {
  const { [Annotation.leftOut]: _before, ...annotations } = entry.annotations ?? {};
  const text = [...new Set(leftOut)].sort().join(" ");
  if (text === "") return entry.annotations?.[Annotation.leftOut] === undefined ? entry : { ...entry, annotations };
  return { ...entry, annotations: { ...annotations, [Annotation.leftOut]: text } };
}
