import { isTag, type Tag } from "@tranship/registry";
import * as z from "zod";
import { MirrorError } from "../../errors.ts";
import type { ReadImageFiles, RunContext } from "../../plan/planner.ts";
import type { PlannedImage, PlannedRepository } from "../../plan/section.ts";

const fileName = "version.json";
const versionSchema = z.object({ version: z.string() });

/**
 * The version a release channel's image names in its `version.json`; a bare number gets its `v`. `undefined`, with a
 * warning, when the image has no such file, names no version, or a digest, which no release metadata goes by.
 * @throws MirrorError `IMAGE_FILE_INVALID`, `TRANSFER_FAILED`
 */
export async function channelVersion(
  repository: PlannedRepository,
  image: PlannedImage,
  read: ReadImageFiles,
  run: RunContext,
): Promise<Tag | undefined> {
  const { reference } = image;
  const bytes = (await read(repository, image, [fileName])).get(fileName);
  const version = bytes && parseVersion(bytes, reference);
  if (version?.tag !== undefined) return version.tag;
  const reason = version?.reason ?? `it has no ${fileName}`;
  const message = `${reference} does not say which version it stands for: ${reason}`;
  run.emit({ type: "warning.raised", code: "VERSION_UNKNOWN", message, reference });
  return undefined;
}

type NamedVersion = { readonly tag: Tag } | { readonly tag?: undefined; readonly reason: string };

function parseVersion(bytes: Uint8Array, reference: string): NamedVersion {
  const refuse = (reason: string, cause?: unknown) => {
    const details = { reference, file: fileName, reason };
    return new MirrorError("IMAGE_FILE_INVALID", `cannot use ${fileName} of ${reference}: ${reason}`, details, {
      cause,
    });
  };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse("it is not JSON", cause);
  }
  const parsed = versionSchema.safeParse(json);
  const version = parsed.data?.version.trim();
  if (version === undefined) throw refuse("it has no text under the key version");
  if (version === "") return { reason: "the version is empty" };
  if (/(?:^|@)sha(?:256|512):[0-9a-f]+$/.test(version)) return { reason: "it names a digest, not a version" };
  const tag = /^[0-9]/.test(version) ? `v${version}` : version;
  if (!isTag(tag)) throw refuse(`${JSON.stringify(tag.slice(0, 100))} is not a tag`);
  return { tag };
}
