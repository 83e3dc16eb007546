import { expect } from "vitest";
import { isRegistryError, type RegistryErrorCode } from "../errors.ts";
import type { OpenBlob, RepositoryReader, RepositoryWriter } from "../repository.ts";
import { partsOf, type Seedable } from "./seed.ts";

/**
 * What some homes of content cannot do, and no home has to. Without `unknownRepository`, one that nobody wrote to has an
 * empty list of tags.
 */
export type HomeFeature = "deleteBlob" | "deleteTag" | "referrers" | "repositories" | "sha512" | "unknownRepository";

/** Options of all contracts. */
export interface ContractOptions {
  /** What this home is known not to do. @defaultValue nothing */
  readonly without?: readonly HomeFeature[] | undefined;
}

/** All bytes of a body, joined only once the last has come: chunks that are reused on the way show. */
export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(Buffer.concat(await listOf(body)));
}

/** All that a list gives. */
export async function listOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Expects a call to reject with a `RegistryError` of this code. */
export async function expectCode(call: Promise<unknown>, code: RegistryErrorCode): Promise<void> {
  const error = await call.then(
    () => "no error",
    (reason: unknown) => reason,
  );
  expect(isRegistryError(error) ? error.code : error).toBe(code);
}

/** A blob's bytes as `pushBlob` asks for them. */
export interface Opener {
  /** How often it was asked. */
  opened: number;
  readonly open: OpenBlob;
}

/** Gives bytes from an offset on, in pieces of `pieceBytes`. */
export function openerOf(bytes: Uint8Array, pieceBytes: number = 10_000): Opener {
  const opener: Opener = {
    opened: 0,
    open: async function* (offset: number): AsyncGenerator<Uint8Array> {
      opener.opened += 1;
      for (let at = offset; at < bytes.byteLength; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
    },
  };
  return opener;
}

/** Pushes something with all it needs, leaves first. */
export async function push(repository: RepositoryReader & RepositoryWriter, thing: Seedable): Promise<void> {
  const { blobs, manifests } = partsOf(thing);
  for (const part of blobs) await repository.pushBlob(part, openerOf(part.bytes).open);
  for (const { manifest, tags } of manifests) await repository.pushManifest(manifest, { tags });
}
