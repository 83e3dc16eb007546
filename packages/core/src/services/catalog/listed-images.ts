import { type Digest, digestHex, isDigest, isRepositoryPath, isTag, type Tag } from "@tranship/registry";
import { MirrorError } from "../../errors.ts";
import type { ReadImageFiles } from "../../plan/planner.ts";
import type { PlannedImage, PlannedRepository } from "../../plan/section.ts";

/** Other images that an image says it needs. */
export interface ListedImages {
  /** Images of the same repository, sorted. */
  readonly internal: readonly Digest[];
  readonly extras: readonly ListedExtra[];
}

/** An extra image: the name of its repository below `extra/`, and the tag. */
export interface ListedExtra {
  readonly name: string;
  readonly tag: Tag;
}

const digestsFile = "images_digests.json";
const extrasFile = "extra_images.json";

/** More images than this in one file are not believed. */
const maxListed = 10_000;

/** Everything that several images list, each once. */
export function mergeListed(all: readonly ListedImages[]): ListedImages {
  const extras = new Map(all.flatMap((one) => one.extras).map((extra) => [`${extra.name}:${extra.tag}`, extra]));
  return { internal: [...new Set(all.flatMap(({ internal }) => internal))], extras: [...extras.values()] };
}

/**
 * Reads what an image lists: `images_digests.json`, in which every digest counts wherever it stands, and
 * `extra_images.json`, an object of names and tags. Neither needs to be there.
 * @throws MirrorError `IMAGE_FILE_INVALID`, `TRANSFER_FAILED`
 */
export async function readListedImages(
  repository: PlannedRepository,
  image: PlannedImage,
  read: ReadImageFiles,
): Promise<ListedImages> {
  const files = await read(repository, image, [digestsFile, extrasFile]);
  const digests = files.get(digestsFile);
  const extras = files.get(extrasFile);
  return {
    internal: digests ? digestsIn(digests, image.reference) : [],
    extras: extras ? extrasIn(extras, image.reference) : [],
  };
}

function digestsIn(bytes: Uint8Array, reference: string): readonly Digest[] {
  const text = decode(bytes, digestsFile, reference);
  const found = new Set([...text.matchAll(/sha256:[0-9a-f]{64}(?![0-9a-f])/g)].map(([digest]) => digest));
  if (found.size > maxListed) throw invalid(digestsFile, reference, `it lists more than ${maxListed} images`);
  return [...found].filter(isDigest).sort((a, b) => (digestHex(a) < digestHex(b) ? -1 : 1));
}

function extrasIn(bytes: Uint8Array, reference: string): ListedImages["extras"] {
  let json: unknown;
  try {
    json = JSON.parse(decode(bytes, extrasFile, reference));
  } catch (cause) {
    throw invalid(extrasFile, reference, "it is not JSON", cause);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw invalid(extrasFile, reference, "it is no object of names and tags");
  const entries = Object.entries(json);
  if (entries.length > maxListed) throw invalid(extrasFile, reference, `it lists more than ${maxListed} images`);
  return entries.flatMap(([name, value]: [string, unknown]) => {
    const tag = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
    if (typeof tag !== "string") return []; // other values have another meaning, or none
    if (name.includes("/") || !isRepositoryPath(name))
      throw invalid(extrasFile, reference, `${quoted(name)} is no name of a repository`);
    if (!isTag(tag)) throw invalid(extrasFile, reference, `${quoted(tag)} is not a tag`);
    return [{ name, tag }];
  });
}

function decode(bytes: Uint8Array, file: string, reference: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalid(file, reference, "it is not UTF-8", cause);
  }
}

function invalid(file: string, reference: string, reason: string, cause?: unknown): MirrorError<"IMAGE_FILE_INVALID"> {
  const message = `cannot use ${file} of ${reference}: ${reason}`;
  return new MirrorError("IMAGE_FILE_INVALID", message, { reference, file, reason }, { cause });
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
