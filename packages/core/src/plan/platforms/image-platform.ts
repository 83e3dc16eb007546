import { type Manifest, MediaType, type Platform, parseManifest, type RepositoryReader } from "@tranship/registry";
import * as z from "zod";
import { askingAgain } from "../../transfer/asking-again.ts";

/** A larger config is not read, in bytes. */
const maxConfigBytes = 4 * 1024 * 1024;

const configTypes: readonly string[] = [MediaType.ociConfig, MediaType.dockerConfig];

const configSchema = z.object({
  os: z.string().min(1),
  architecture: z.string().min(1),
  variant: z.string().optional(),
});

/**
 * The platform an image was made for, as its config says; `undefined` where that says none, or is no image's.
 * @throws RegistryError as {@link RepositoryReader.fetchBlob}; `INVALID_MANIFEST`
 * @see image-spec v1.1, "OCI Image Configuration"
 */
export async function imagePlatform(
  repository: RepositoryReader,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<Platform | undefined> {
  const content = parseManifest(manifest);
  if (content.kind !== "image") return undefined;
  const { config } = content;
  if (!configTypes.includes(config.mediaType) || config.size > maxConfigBytes) return undefined;
  const read = async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of repository.fetchBlob(config, { signal })) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  const parsed = configSchema.safeParse(parseJson(await askingAgain(read, { signal })));
  return parsed.success ? parsed.data : undefined;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
