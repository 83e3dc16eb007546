import { RegistryError } from "../errors.ts";
import type { Blob } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { childBlobs, childManifests, defaultMaxManifestBytes, type Manifest, parseManifest } from "../oci/manifest.ts";
import { isForeignLayerMediaType, MediaType, manifestMediaTypes } from "../oci/media-type.ts";
import { formatName, type Tag } from "../oci/reference.ts";
import { printable } from "../printable.ts";
import { contentRangeOf, mediaTypeOf, type ResponseHeaders, warningsOf } from "../remote/headers.ts";
import { describeHead, readManifest } from "../remote/manifest-answer.ts";
import type { CheckFinding } from "./examination.ts";
import { askOnce, type Subject } from "./subject.ts";

const accept = { accept: manifestMediaTypes.join(", ") };

/** An image's manifest that was read, and where. */
export interface ReadManifest {
  readonly path: string;
  readonly manifest: Manifest;
}

/** The manifest a tag names: by HEAD, by GET, and by its digest. @throws RegistryError */
export async function checkManifest(
  subject: Subject,
  path: string,
  tag: Tag,
): Promise<{ readonly finding: CheckFinding; readonly manifest: Manifest }> {
  const endpoints = subject.endpoints(path);
  const operation = endpoints.operation("resolve", tag);
  const url = endpoints.manifest(tag);
  const common = { url, headers: accept, scopes: endpoints.scope("pull"), expect: [200] };
  const head = await askOnce(subject, { ...common, method: "HEAD", operation });
  const told = describeHead(head.headers);
  const manifest = await getManifest(subject, path, tag);
  const { descriptor } = manifest;
  const name = formatName(endpoints.name, tag);
  const details = {
    reference: name,
    digest: descriptor.digest,
    mediaType: descriptor.mediaType,
    size: descriptor.size,
  };
  if (!told) {
    const reason = `${name}: a HEAD request does not tell digest, size and type; every look at a tag costs its manifest`;
    return { finding: { status: "warning", reason, details }, manifest };
  }
  const isSame =
    told.digest === descriptor.digest && told.size === descriptor.size && told.mediaType === descriptor.mediaType;
  if (!isSame) {
    const message = `${name} is ${told.digest} (${told.size} bytes) by HEAD and ${descriptor.digest} (${descriptor.size} bytes) by GET`;
    throw new RegistryError("DIGEST_MISMATCH", message, {
      reference: name,
      expected: told.digest,
      actual: descriptor.digest,
    });
  }
  await getManifest(subject, path, descriptor.digest);
  const reason = `${name} is ${descriptor.digest}, ${descriptor.size} bytes, ${descriptor.mediaType}`;
  return { finding: { status: "ok", reason, details }, manifest };
}

/** Whether referrers are listed by the registry itself. @see distribution-spec v1.1.1, "Listing Referrers" */
export async function checkReferrers(subject: Subject, { path, manifest }: ReadManifest): Promise<CheckFinding> {
  const { digest } = manifest.descriptor;
  const endpoints = subject.endpoints(path);
  const operation = endpoints.operation("list referrers of", digest);
  const answer = await askOnce(subject, {
    method: "GET",
    url: endpoints.referrers(digest),
    headers: { accept: MediaType.ociIndex },
    operation,
    scopes: endpoints.scope("pull"),
    expect: [200, 400, 404, 405],
    maxBodyBytes: defaultMaxManifestBytes,
  });
  const hasApi = answer.status === 200 && mediaTypeOf(answer.headers) === MediaType.ociIndex;
  const details = { api: hasApi, status: answer.status };
  if (hasApi) return { status: "ok", reason: "the registry lists them itself", details };
  const reason = `no referrers API (${answer.status}): the list under the tag sha256-… is read and kept in its place`;
  return { status: "ok", reason, details };
}

/** Whether a download can go on where it broke, and who sends it. */
export async function checkRanges(subject: Subject, { path, manifest }: ReadManifest): Promise<CheckFinding> {
  const blob = await aBlobOf(subject, path, manifest);
  if (!blob) return { status: "not-asked", reason: "the image has no blob of more than one byte" };
  const endpoints = subject.endpoints(path);
  const end = Math.min(blob.size, 1024);
  let headers: ResponseHeaders = {};
  const answer = await askOnce(subject, {
    method: "GET",
    url: endpoints.blob(blob.digest),
    headers: { range: `bytes=1-${end - 1}` },
    operation: endpoints.operation("read a part of blob", blob.digest),
    scopes: endpoints.scope("pull"),
    expect: [200, 206],
    onHead: (head) => {
      headers = head.headers;
      return () => false; // the head says it all
    },
  });
  const { client } = subject;
  const elsewhere = answer.url.host === client.origin.host ? "" : `; blobs come from ${answer.url.host}`;
  const details = { status: answer.status, blobsFrom: answer.url.host };
  const range = contentRangeOf(headers);
  if (answer.status === 206 && range?.start === 1 && range.end === end)
    return { status: "ok", reason: `a part of a blob came as asked for${elsewhere}`, details };
  const reason =
    answer.status === 200
      ? `the whole blob came in place of a part${elsewhere}: a download that breaks begins anew`
      : `another part of the blob came than was asked for${elsewhere}`;
  return { status: "warning", reason, advice: "look for a proxy on the way that drops Range headers", details };
}

const limitHeader = /^(?:x-)?ratelimit(?:-[a-z-]+)?$/;

/** What all answers so far said of limits, and to users. */
export async function checkLimits({ seen }: Subject): Promise<CheckFinding> {
  const limits: Record<string, string> = {};
  for (const headers of seen) {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined && (limitHeader.test(name) || name === "retry-after"))
        limits[name] = printable([value].flat().join(", "), 100);
    }
  }
  const warnings = [...new Set(seen.flatMap((headers) => warningsOf(headers)))];
  const told = Object.entries(limits).map(([name, value]) => `${name}: ${value}`);
  const details = { ...limits, ...(warnings.length === 0 ? {} : { warnings }) };
  const reason = [...told, ...warnings.map((text) => `the registry says: ${text}`)].join("; ");
  if (reason === "") return { status: "ok", reason: "no limit and no warning was told" };
  const isUsedUp = Object.entries(limits).some(([name, value]) => name.endsWith("remaining") && /^0\b/.test(value));
  if (isUsedUp || limits["retry-after"] !== undefined)
    return { status: "warning", reason, advice: "wait, or log in for a larger share", details };
  return { status: warnings.length === 0 ? "ok" : "warning", reason, details };
}

async function getManifest(subject: Subject, path: string, reference: Tag | Digest): Promise<Manifest> {
  const endpoints = subject.endpoints(path);
  const operation = endpoints.operation("read manifest", reference);
  const answer = await askOnce(subject, {
    method: "GET",
    url: endpoints.manifest(reference),
    headers: accept,
    operation,
    scopes: endpoints.scope("pull"),
    expect: [200],
    maxBodyBytes: defaultMaxManifestBytes,
  });
  return readManifest(answer, reference, operation);
}

/** A blob of the image, or of the first image of an index. */
async function aBlobOf(subject: Subject, path: string, manifest: Manifest): Promise<Blob | undefined> {
  const content = parseManifest(manifest);
  const blobs = childBlobs(content).filter(({ mediaType, size }) => size > 1 && !isForeignLayerMediaType(mediaType));
  if (blobs.length > 0) return blobs.reduce((least, blob) => (blob.size < least.size ? blob : least));
  const [child] = childManifests(content);
  if (!child) return undefined;
  const own = parseManifest(await getManifest(subject, path, child.digest));
  return childBlobs(own).find(({ size }) => size > 1);
}
