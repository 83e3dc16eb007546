import { type Descriptor, type Digest, digestAlgorithm, digestHex, isTag, type Tag } from "@tranship/registry";

/** The kinds of what refers to images that can be asked for. */
export const attachedKinds = ["none", "vex", "all-but-vex", "all"] as const;

/**
 * What travels with an image of all that refers to it: nothing, statements about vulnerabilities (VEX), all but these,
 * such as signatures, or everything.
 */
export type AttachedKinds = (typeof attachedKinds)[number];

/** Attestations that do not say by their type what they state: an annotation may. */
const envelopeTypes = /^application\/vnd\.(?:in-toto\+json|dsse\.envelope\.v1\+json|dev\.sigstore\.bundle\b.*)$/;

/** Where an attestation says what it states: in-toto's own annotation, and the one of Sigstore's bundles. */
const predicateAnnotations = ["in-toto.io/predicate-type", "dev.sigstore.bundle.predicateType"];

/** Where a Sigstore bundle says whether it is a signature or an attestation. */
const bundleContent = "dev.sigstore.bundle.content";

/** Suffixes of the tags that attestations, signatures and bills of materials hang on, where tags cannot be listed. */
const suffixes = ["att", "sig", "sbom"];

/** Whether what is attached is wanted. */
export function isWantedKind(isVex: boolean, kinds: AttachedKinds): boolean {
  return kinds === "all" || (kinds !== "none" && isVex === (kinds === "vex"));
}

/**
 * Whether a referrer states which vulnerabilities concern an image. An attestation that does not say what it states
 * counts as such, as one under a tag ending in `.att` does.
 * @see https://github.com/openvex/spec/blob/main/ATTESTING.md
 */
export function isVexReferrer({
  artifactType = "",
  annotations = {},
}: Pick<Descriptor, "artifactType" | "annotations">): boolean {
  if (/[./+]vex\+|openvex/i.test(artifactType)) return true;
  if (!envelopeTypes.test(artifactType)) return false;
  const predicate = predicateAnnotations.map((name) => annotations[name]).find((value) => value !== undefined);
  if (predicate !== undefined) return /vex/i.test(predicate);
  return annotations[bundleContent] !== "message-signature";
}

/** What the tags of things attached to `subject` start with, up to the dot. */
export function attachedTagStem(subject: Digest): string {
  return `${digestAlgorithm(subject)}-${digestHex(subject)}`;
}

/** Which of a subject's tags are wanted; `listed` are those that there are, where that is known, else all are tried. */
export function attachedTags(
  subject: Digest,
  kinds: AttachedKinds,
  listed: readonly Tag[] | undefined,
): readonly Tag[] {
  const stem = attachedTagStem(subject);
  const tags = listed ?? suffixes.map((suffix) => `${stem}.${suffix}`).filter(isTag);
  return tags.filter((tag) => isWantedKind(tag === `${stem}.att`, kinds));
}
