import {
  childBlobs,
  childManifests,
  type ImageIndex,
  type ImageManifest,
  MediaType,
  manifestMediaTypes,
  manifestOf,
  parseManifest,
  sniffManifestMediaType,
} from "@tranship/registry";
import { jsonParts } from "./json-input.ts";
import { isRegistryRefusal, require, requireDescriptor, requireSame, unlessRefused } from "./oracle.ts";
import { bytesOfInput, type FuzzTarget } from "./target.ts";

const isRefusal = isRegistryRefusal("INVALID_MANIFEST");

/** Image manifests and indexes as registries give them, under any media type. */
export const manifestTarget: FuzzTarget = {
  name: "manifest",
  testRuns: 500,
  what: "manifests and indexes",
  maxLength: 512 * 1024,
  ...jsonParts("bytes", [
    "schemaVersion",
    "mediaType",
    "config",
    "layers",
    "manifests",
    "subject",
    "digest",
    "size",
    "annotations",
    "platform",
    "urls",
    "data",
    "artifactType",
    ...manifestMediaTypes,
    `sha256:${"0".repeat(64)}`,
    '{"mediaType":"a","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},',
  ]),
  judge: (input) => {
    const bytes = bytesOfInput(input);
    const sniffed = sniffManifestMediaType(bytes);
    require(sniffed === undefined || manifestMediaTypes.includes(sniffed), `the type ${String(sniffed)} was sniffed`);
    // The type it calls itself, and one of the others.
    const types = new Set([sniffed, manifestMediaTypes[input.length % manifestMediaTypes.length]]);
    const read = [...types].map((mediaType = MediaType.ociManifest) => {
      const manifest = manifestOf(bytes, mediaType);
      const content = unlessRefused(() => parseManifest(manifest), isRefusal);
      if (content) judgeContent(content, mediaType);
      return content;
    });
    return read.some((content) => content !== undefined);
  },
};

function judgeContent(content: ImageManifest | ImageIndex, mediaType: string): void {
  const isIndex = mediaType === MediaType.ociIndex || mediaType === MediaType.dockerManifestList;
  require((content.kind === "index") === isIndex &&
    content.mediaType === mediaType, "another kind than the media type's");
  const children = [...childManifests(content), ...childBlobs(content)];
  for (const descriptor of content.subject ? [...children, content.subject] : children) requireDescriptor(descriptor);
  for (const text of Object.values(content.annotations ?? {}))
    require(typeof text === "string", "an annotation is no text");
  const { kind, ...body } = content;
  const written = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, ...body }));
  requireSame(
    JSON.stringify(parseManifest(manifestOf(written, mediaType))),
    JSON.stringify({ kind, ...body }),
    "written and read",
  );
}
