import { type ImageIndex, type ImageManifest, MediaType } from "@tranship/registry";
import { isVexReferrer } from "../services/attached-kinds.ts";

/** What a manifest is for people: `referrers` is the list that stands in for the referrers API, `artifact` anything else. */
export type ContentKind = "image" | "index" | "chart" | "signature" | "attestation" | "sbom" | "referrers" | "artifact";

/** A media type is no longer. @see RFC 6838, section 4.2 */
const maxTypeLength = 255;

/** What is known of a manifest beside its content. */
export interface ManifestContext {
  readonly tags?: readonly string[] | undefined;
  /** Of the descriptor that led to it. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** How BuildKit marks what it attests among the manifests of an index. */
const buildKitType = "vnd.docker.reference.type";

/** A Sigstore bundle holds either. */
const sigstoreContent = "dev.sigstore.bundle.content";

const kindsByType: readonly (readonly [pattern: RegExp, kind: ContentKind])[] = [
  [/^application\/vnd\.cncf\.helm\.(?:config|chart)\b/, "chart"],
  [/^application\/vnd\.(?:dev\.cosign\.(?:artifact\.sig|simplesigning)|cncf\.notary\.signature)\b/, "signature"],
  [/\b(?:spdx|cyclonedx|syft)\b|^application\/vnd\.dev\.cosign\.artifact\.sbom\b/i, "sbom"],
  [/^application\/vnd\.(?:in-toto|dsse\.envelope|dev\.sigstore\.bundle)\b/, "attestation"],
];

/** What a manifest is, by the types it names; where these leave it open, by its annotations and tags. */
export function contentKind(content: ImageManifest | ImageIndex, context: ManifestContext = {}): ContentKind {
  const { tags = [], annotations = {} } = context;
  if (content.kind === "index") return tags.some(isReferrersTag) ? "referrers" : "index";
  if (annotations[buildKitType] === "attestation-manifest") return "attestation";
  const type = artifactTypeOf(content);
  const types = [type ?? "", ...content.layers.map(({ mediaType }) => mediaType)];
  const found = kindsByType.find(([pattern]) => types.some((one) => pattern.test(one)))?.[1];
  if (found === "attestation" && content.annotations?.[sigstoreContent] === "message-signature") return "signature";
  if (found) return found;
  if (isVexReferrer({ artifactType: type, annotations: content.annotations })) return "attestation";
  return type === undefined ? "image" : "artifact";
}

/**
 * What a manifest says it is, where it is no image of a container.
 * @see image-spec v1.1, "Guidelines for Artifact Usage"
 */
export function artifactTypeOf(content: ImageManifest | ImageIndex): string | undefined {
  const said = content.artifactType?.slice(0, maxTypeLength) || undefined;
  if (content.kind === "index") return said;
  const { mediaType } = content.config;
  const isImageConfig = mediaType === MediaType.ociConfig || mediaType === MediaType.dockerConfig;
  return said ?? (isImageConfig ? undefined : mediaType);
}

/** @see distribution-spec v1.1.1, "Referrers Tag Schema" */
function isReferrersTag(tag: string): boolean {
  return /^(?:sha256-[0-9a-f]{64}|sha512-[0-9a-f]{115,128})$/.test(tag);
}
