import { type CallOptions, type Digest, isRegistryError, type RegistryReader } from "@tranship/registry";
import type { BasedSource } from "../bundle/assumed.ts";
import { MirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { type InventoriedRepository, type Inventory, inventoryFrom, type KnownBlob } from "../plan/inventory.ts";
import { SourceCache } from "../plan/source-cache.ts";
import { Pool } from "../transfer/pool.ts";
import { transferError } from "../transfer/transfer-error.ts";
import { RepositoryInventory } from "./repository-inventory.ts";

/** Options of {@link takeInventory}. */
export interface TakeInventoryOptions extends CallOptions {
  readonly onEvent?: OnEvent | undefined;
  /** Images and blobs asked for at a time. @defaultValue 8 */
  readonly inFlight?: number | undefined;
  /** Look into these repositories only, paths below the root; those that do not exist hold nothing. @defaultValue all the place lists */
  readonly paths?: readonly string[] | undefined;
}

/** Repositories looked into at a time, so that one with few tags does not hold up the next. */
const repositoriesInFlight = 4;

/**
 * What a place has: of every tagged image, the configs and layers that are really there. Manifests are read, blobs only
 * asked for, each once in a repository; what no tag leads to is not counted on. What a bundle that was made over a base
 * relies on counts as its own.
 * @throws MirrorError `REPOSITORIES_UNKNOWN` when the place does not tell its repositories and no `paths` are given;
 * `TRANSFER_FAILED`
 */
export async function takeInventory(
  place: RegistryReader & Partial<BasedSource>,
  { signal, onEvent = () => {}, inFlight = 8, paths }: TakeInventoryOptions = {},
): Promise<Inventory> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const own = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const source = new SourceCache({ signal: own });
  const questions = new Pool(Math.max(1, inFlight));
  const repositories = new Pool(repositoriesInFlight);
  const relied = reliedOn(place);
  const asked = new Set(paths ?? (await listPaths(place, own)));
  const looks = [...asked].map((path) =>
    repositories.run(async (): Promise<InventoriedRepository> => {
      const look = new RepositoryInventory(place.repository(path), { source, questions, signal: own, emit: onEvent });
      return { path, blobs: [...(await look.take(relied.get(path) ?? new Map())).values()] };
    }, own),
  );
  for (const look of looks) look.catch((error: unknown) => stop.abort(error));
  await Promise.allSettled(looks);
  own.throwIfAborted();
  return inventoryFrom(place.name, await Promise.all(looks));
}

async function listPaths(place: RegistryReader, signal: AbortSignal): Promise<readonly string[]> {
  const paths: string[] = [];
  try {
    for await (const path of place.repositories({ signal })) paths.push(path);
    return paths;
  } catch (error) {
    if (signal.aborted || !isRegistryError(error) || !untold.has(error.code)) {
      throw transferError(error, "target", `list the repositories of ${place.name}`, place.name, signal);
    }
    const message = `${place.name} does not say which repositories it has: ${error.message}`;
    throw new MirrorError("REPOSITORIES_UNKNOWN", message, { place: place.name }, { cause: error });
  }
}

/** How registries answer that do not list their repositories, or not to this user. */
const untold: ReadonlySet<string> = new Set([
  "NOT_FOUND",
  "UNAUTHORIZED",
  "FORBIDDEN",
  "UNEXPECTED_STATUS",
  "PROTOCOL",
  "UNSUPPORTED",
]);

/** By repository, what a bundle needs and does not hold. */
function reliedOn(place: Partial<BasedSource>): ReadonlyMap<string, ReadonlyMap<Digest, KnownBlob>> {
  const byPath = new Map<string, Map<Digest, KnownBlob>>();
  for (const { path, digest, size } of place.assumed?.() ?? []) {
    const blobs = byPath.get(path) ?? new Map<Digest, KnownBlob>();
    byPath.set(path, blobs.set(digest, { digest, size }));
  }
  return byPath;
}
