import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  Bundle,
  graphOf,
  isMirrorError,
  type MirrorErrorCode,
  type MirrorEvent,
  pushBundle,
  verifyBundle,
} from "@tranship/core";
import { type Digest, MemoryRegistry, type RegistryReader, type RepositoryReader } from "@tranship/registry";
import type { FuzzBundle } from "./corpus.ts";

/** What became of a bundle: used whole, refused before a byte was sent, or stopped on the way by what verify finds, too. */
export type Verdict = "accepted" | "refused" | "found damaged";

/** Codes that a bundle, whatever is in it, may be refused with when it is opened. */
const openCodes: readonly MirrorErrorCode[] = ["ARCHIVE_INVALID", "PLAN_INVALID", "BUNDLE_NOT_FOUND", "BASE_MISSING"];

/** Codes of a push from what was opened. */
const pushCodes: readonly MirrorErrorCode[] = ["ARCHIVE_INVALID", "TRANSFER_FAILED", "BASE_MISSING"];

/**
 * Lets every reader of bundles loose on one: open, verify, push. Throws where they do what they must not: fail in another
 * way than with their own errors, write next to the bundle, send something before refusing, or pass what is not right.
 */
export async function judge({ files, base }: Omit<FuzzBundle, "name">, folder: string): Promise<Verdict> {
  const places = [...(base ? [lay(base, `${folder}-base`)] : []), lay(files, folder)];
  const before = listing(dirname(folder));
  const verdict = await used(places);
  const after = listing(dirname(folder));
  require(before === after, `files changed from\n${before}\nto\n${after}`);
  return verdict;
}

/** Writes files into a folder of their own. */
function lay(files: FuzzBundle["files"], folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(folder, basename(name)), bytes);
  return folder;
}

async function used(places: readonly string[]): Promise<Verdict> {
  const opened = await caught(Bundle.open(places, { onEvent: requireDecentWarning }), openCodes);
  if (!opened) return "refused";
  await using bundle = opened;
  const { ok, findings } = await verifyBundle(bundle);
  for (const { message } of findings) requireDecent(message);
  const target = new MemoryRegistry();
  const report = await caught(pushBundle(bundle, target), pushCodes, async (code) => {
    const isEmpty = (await Array.fromAsync(target.repositories())).length === 0;
    require(isEmpty || code === "TRANSFER_FAILED", `${code} after something was written`);
  });
  require(!ok || report !== undefined, "it passes verify and cannot be pushed");
  if (ok) await requireEqual(bundle, target);
  await requireHonest(target);
  return ok && report ? "accepted" : "found damaged";
}

/** Every tag of the bundle is at the target, with all that belongs to it. */
async function requireEqual(bundle: RegistryReader, target: RegistryReader): Promise<void> {
  for await (const path of bundle.repositories()) {
    const [from, to] = [bundle.repository(path), target.repository(path)];
    for await (const tag of from.tags()) {
      const descriptor = await from.resolve(tag);
      require(descriptor !== undefined, `${path}:${tag} is listed and not there`);
      require((await to.resolve(tag))?.digest === descriptor.digest, `${path}:${tag} did not arrive`);
      await requireGraph(from, descriptor);
      await requireGraph(to, descriptor);
    }
  }
}

/** Nothing at the target is under a digest it does not hash to. */
async function requireHonest(target: RegistryReader): Promise<void> {
  for await (const path of target.repositories()) {
    const repository = target.repository(path);
    for await (const tag of repository.tags()) {
      const { descriptor, bytes } = await repository.manifest(tag);
      require(hashOf(descriptor.digest, [bytes]) === descriptor.digest, `${path}:${tag} is damaged`);
    }
  }
}

async function requireGraph(repository: RepositoryReader, descriptor: Parameters<typeof graphOf>[1]): Promise<void> {
  const { manifests, blobs } = await graphOf(repository, descriptor);
  for (const { descriptor: own, bytes } of manifests) {
    require(hashOf(own.digest, [bytes]) === own.digest, `${own.digest} is damaged`);
  }
  for (const { digest, size } of blobs) {
    const pieces = await Array.fromAsync(repository.fetchBlob({ digest, size }));
    require(hashOf(digest, pieces) === digest, `${digest} is damaged`);
  }
}

function hashOf(digest: Digest, pieces: readonly Uint8Array[]): string {
  const algorithm = digest.slice(0, digest.indexOf(":"));
  const hash = createHash(algorithm);
  for (const piece of pieces) hash.update(piece);
  return `${algorithm}:${hash.digest("hex")}`;
}

/** The outcome, or `undefined` for a refusal by one of `codes`; anything else is thrown. */
async function caught<Outcome>(
  work: Promise<Outcome>,
  codes: readonly MirrorErrorCode[],
  onRefusal?: (code: MirrorErrorCode) => Promise<void>,
): Promise<Outcome | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!isMirrorError(error) || !codes.includes(error.code)) throw error;
    requireDecent(error.message);
    await onRefusal?.(error.code);
    return undefined;
  }
}

/** A message goes to a terminal: what an archive says must not steer it, nor fill it. */
function requireDecent(message: string): void {
  const isDecent = message.length < 5000 && Array.from(message).every(isPrintable);
  require(isDecent, `a message of ${message.length} characters: ${JSON.stringify(message.slice(0, 500))}`);
}

function requireDecentWarning(event: MirrorEvent): void {
  if (event.type === "warning.raised") requireDecent(event.message);
}

function isPrintable(character: string): boolean {
  return character >= " " && character !== "\u007f";
}

function require(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}

/** Everything below a folder with its size and time of change. */
function listing(folder: string): string {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return paths
    .map((path) => {
      const { size, mtimeMs } = lstatSync(join(folder, path));
      return `${path} ${size} ${mtimeMs}`;
    })
    .join("\n");
}
