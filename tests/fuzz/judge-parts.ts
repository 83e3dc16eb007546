import { isMirrorError, parseLockFile } from "@tranship/core";
import { isRegistryError, manifestOf, parseManifest } from "@tranship/registry";
import { readTarEntries, type TarEntry } from "../../packages/core/src/bundle/tar/tar-reader.ts";
import { parseIndexFile } from "../../packages/core/src/layout/index-file.ts";
import { gnuTar } from "../support/gnu-tar.ts";
import { sourceOf } from "./archive-bytes.ts";
import type { MutatedBundle } from "./mutate-bundle.ts";

/**
 * Judges the changed part of a bundle alone, in memory. Throws where its reader does what it must not; gives whether it
 * was accepted.
 */
export async function judgePart({ kind, changed, mediaType = "" }: MutatedBundle): Promise<boolean> {
  if (!changed) return false;
  if (kind === "archive") return (await judgeArchive(changed)) !== undefined;
  const text = Buffer.from(changed).toString();
  try {
    if (kind === "lock") parseLockFile(text, "the lock");
    else if (kind === "manifest") parseManifest(manifestOf(changed, mediaType));
    else parseIndexFile(changed);
    return true;
  } catch (error) {
    const isOwn = kind === "lock" ? isMirrorError(error, "PLAN_INVALID") : isRegistryError(error, "INVALID_MANIFEST");
    if (!isOwn && kind !== "index") throw error; // the reader of an archive's index gives it its own error
    return false;
  }
}

/** The entries of an archive, or `undefined` when it is refused. */
export async function judgeArchive(bytes: Uint8Array): Promise<readonly TarEntry[] | undefined> {
  const source = sourceOf(bytes);
  const entries = await readTarEntries(source).catch((error: unknown) => {
    if (!isMirrorError(error, "ARCHIVE_INVALID")) throw error;
    return undefined;
  });
  // A header is read once, and a window of 16 KiB at most with it.
  const blocks = Math.ceil(bytes.byteLength / 512);
  if (source.counts.reads > blocks + 1) throw new Error(`${source.counts.reads} reads of ${blocks} blocks`);
  let end = 0;
  for (const { name, offset, size } of entries ?? []) {
    if (offset < end + 512 || offset % 512 !== 0 || offset + size > bytes.byteLength - 1024) {
      throw new Error(`${name} is said to be at ${offset} with ${size} bytes, in ${bytes.byteLength}`);
    }
    if (/^\/|^\.\.?(?:\/|$)|\/\.\.?(?:\/|$)|\\|\/\/|\/$|^[A-Za-z]:/.test(name) || name === "") {
      throw new Error(`the name ${JSON.stringify(name)} was accepted`);
    }
    end = offset + size;
  }
  return entries;
}

/** Throws unless GNU tar sees the same files, with the same bytes; `archive` is the file of these bytes. */
export function requireAsGnuTar(bytes: Uint8Array, entries: readonly TarEntry[], archive: string): void {
  const linesOf = (...flags: readonly string[]) =>
    said("--quoting-style=literal", ...flags, archive)
      .toString()
      .split("\n");
  const kinds = linesOf("-tvf").map((line) => line[0]);
  const names = linesOf("-tf")
    .slice(0, -1)
    .filter((name, at) => kinds[at] !== "d" && !name.endsWith("/"))
    .map((name) => name.replace(/^(?:\.\/+)+/, ""));
  const ours = entries.map(({ name }) => name);
  if (JSON.stringify(names) !== JSON.stringify(ours)) {
    throw new Error(`GNU tar lists ${JSON.stringify(names)}, we ${JSON.stringify(ours)}`);
  }
  const data = Buffer.concat(entries.map(({ offset, size }) => bytes.subarray(offset, offset + size)));
  if (!said("-xOf", archive).equals(data)) throw new Error("GNU tar extracts other bytes than we read");
}

/** GNU tar may grumble about a time or an owner, and shows the files all the same. */
function said(...args: readonly string[]): Buffer {
  try {
    return gnuTar(...args);
  } catch (error) {
    return (error as { readonly stdout: Buffer }).stdout;
  }
}
