import { createReadStream } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { DepsError, defaultMaxManifestBytes, type ManifestSource, readManifestJson } from "@tranship/core/deps";
import { digestOf } from "@tranship/registry";
import type { CliContext } from "../context.ts";
import { fileReason } from "../file-reason.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Reads the manifest that `--manifest` names: JSON, or YAML where it is called so or is no JSON. Local files it names are
 * beside it; those of one from standard input are in the working folder.
 * @throws UsageError when it cannot be read; DepsError `MANIFEST_PARSE`
 */
export async function readManifest(file: string, { input }: Pick<CliContext, "input">): Promise<ManifestSource> {
  const bytes = await readBytes(file, input);
  const manifest = file === "-" ? "standard input" : file;
  const localFolder = file === "-" ? resolve(".") : dirname(await realpath(file));
  const value = isJson(file, bytes) ? readManifestJson(bytes, manifest) : await readYamlValue(bytes, manifest);
  return { value, digest: digestOf(bytes), manifest, localFolder };
}

async function readYamlValue(bytes: Uint8Array, manifest: string): Promise<unknown> {
  const { readYaml } = await import("../config/yaml-document.ts"); // most manifests are JSON
  const document = readYaml(textOf(bytes, manifest));
  if ("positionOf" in document) return document.value;
  const [fault] = document;
  const reason = fault ? `line ${fault.line}, column ${fault.column}: ${fault.message}` : "it is no YAML";
  throw new DepsError("MANIFEST_PARSE", `cannot read ${manifest}: ${reason}`, { manifest, path: "", reason });
}

function textOf(bytes: Uint8Array, manifest: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const reason = "it is no UTF-8";
    throw new DepsError(
      "MANIFEST_PARSE",
      `cannot read ${manifest}: ${reason}`,
      { manifest, path: "", reason },
      { cause },
    );
  }
}

function isJson(file: string, bytes: Uint8Array): boolean {
  if ([".yaml", ".yml"].includes(extname(file).toLowerCase())) return false;
  return extname(file).toLowerCase() === ".json" || /^\s*\{/.test(Buffer.from(bytes.subarray(0, 1000)).toString());
}

async function readBytes(file: string, input: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of file === "-" ? input : createReadStream(file)) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > defaultMaxManifestBytes) break;
    }
  } catch (cause) {
    throw new UsageError(`--manifest: cannot read ${file}: ${fileReason(cause)}`, { cause });
  }
  if (size > defaultMaxManifestBytes)
    throw new UsageError(`--manifest: ${file} is longer than ${defaultMaxManifestBytes} bytes`);
  return Buffer.concat(chunks);
}
