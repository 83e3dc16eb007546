import { type Digest, digestOf, isManifestMediaType } from "@tranship/registry";
import * as z from "zod";
import { MirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";
import { versionText } from "../version-text.ts";
import { type DownloadList, parseDownloadList } from "./download-list.ts";
import { repositoryPathSchema } from "./names.ts";
import { digestSchema, sizeSchema } from "./section.ts";

/** A config or layer that is there already; `size` is in bytes. */
export interface KnownBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** What one repository holds. */
export interface InventoriedRepository {
  /** The repository's path below the registry root. */
  readonly path: string;
  /** Configs and layers, each digest once, bytewise. Manifests are not listed: a bundle always brings its own. */
  readonly blobs: readonly KnownBlob[];
}

/**
 * What a place has already, as plain data: a pull over it leaves these blobs out. What `tranship inventory` writes and
 * `--base` reads.
 */
export interface Inventory {
  readonly version: 1;
  readonly kind: "inventory";
  /** Whose it is, for people. */
  readonly place: string;
  /** Bytewise by path, each once; those without blobs are not listed. */
  readonly repositories: readonly InventoriedRepository[];
}

/** A longer file is no inventory that this program wrote; in UTF-16 units. */
export const maxInventoryLength: number = 256 * 1024 * 1024;

const inventorySchema: z.ZodType<Inventory> = z.object({
  version: z.literal(1),
  kind: z.literal("inventory"),
  place: z.string(),
  repositories: z.array(
    z.object({ path: repositoryPathSchema, blobs: z.array(z.object({ digest: digestSchema, size: sizeSchema })) }),
  ),
});

/** The text of an inventory: JSON with two spaces and a final newline, equal for equal content. */
export function formatInventory({ version, kind, place, repositories }: Inventory): string {
  const sorted = sortedRepositories(repositories);
  return `${JSON.stringify({ version, kind, place, repositories: sorted }, undefined, 2)}\n`;
}

/**
 * Reads what may be given as a base: an inventory, a plan or the lock file of a bundle, told apart by what is in it.
 * `file` names it in errors.
 * @throws MirrorError `INVENTORY_INVALID`; `PLAN_INVALID` for a plan that cannot be read
 */
export function parseInventory(text: string, file: string): Inventory {
  if (text.length > maxInventoryLength) throw invalid(file, `it is longer than ${maxInventoryLength} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(file, "it is not JSON", cause);
  }
  const { kind, version, archives } = (json ?? {}) as Readonly<Record<string, unknown>>;
  if (kind === undefined && archives !== undefined)
    return { ...inventoryOf(parseDownloadList(text, file)), place: file };
  if (kind !== "inventory") throw invalid(file, "it is neither an inventory nor a plan nor the lock file of a bundle");
  if (version !== 1) throw invalid(file, `its version is ${versionText(version)}, this program knows 1`);
  return checkInventory(json, file);
}

/**
 * `given` as an inventory in its one order, when it has the shape of one. `file` names it in errors.
 * @throws MirrorError `INVENTORY_INVALID`
 */
export function checkInventory(given: unknown, file: string): Inventory {
  const { success, data, error } = inventorySchema.safeParse(given);
  if (success) return inventoryFrom(data.place, data.repositories);
  const issue = error.issues[0];
  throw invalid(file, issue ? `${issue.path.join(".")}: ${issue.message}` : "its shape is wrong");
}

/**
 * The inventory of whoever took in what a list names, without asking anybody: what a bundle brings and what it relies
 * on. A plan or the lock file of a bundle is such a list.
 */
export function inventoryOf(list: DownloadList): Inventory {
  const repositories = list.archives.flatMap(({ sections }) => sections.flatMap((section) => section.repositories));
  const held = repositories.map(({ path, blobs, assumed = [] }) => ({
    path,
    blobs: [...blobs, ...assumed].filter(({ mediaType }) => !isManifestMediaType(mediaType)),
  }));
  return inventoryFrom("plan", held);
}

/** One inventory of all that any of several have; those that contradict each other about a size keep doing so. */
export function joinInventories(inventories: readonly Inventory[]): Inventory {
  const repositories = inventories.flatMap((inventory) => inventory.repositories);
  return inventoryFrom(inventories.map(({ place }) => place).join(", "), repositories);
}

/** An inventory of these repositories in its one order; a path may come several times. */
export function inventoryFrom(place: string, repositories: readonly InventoriedRepository[]): Inventory {
  return { version: 1, kind: "inventory", place, repositories: sortedRepositories(repositories) };
}

/** Equal for inventories of the same content, whatever their place is called. */
export function inventoryDigest({ repositories }: Inventory): Digest {
  return digestOf(new TextEncoder().encode(JSON.stringify(sortedRepositories(repositories))));
}

function sortedRepositories(repositories: readonly InventoriedRepository[]): readonly InventoriedRepository[] {
  const byPath = new Map<string, Map<string, KnownBlob>>();
  for (const { path, blobs } of repositories) {
    const held = byPath.get(path) ?? new Map<string, KnownBlob>();
    byPath.set(path, held);
    for (const { digest, size } of blobs) held.set(`${digest} ${size}`, { digest, size });
  }
  return [...byPath]
    .filter(([, blobs]) => blobs.size > 0)
    .sort(([a], [b]) => compareText(a, b))
    .map(([path, blobs]) => ({
      path,
      blobs: [...blobs.values()].sort((a, b) => compareText(a.digest, b.digest) || a.size - b.size),
    }));
}

function invalid(file: string, reason: string, cause?: unknown): MirrorError<"INVENTORY_INVALID"> {
  return new MirrorError("INVENTORY_INVALID", `cannot use ${file} as a base: ${reason}`, { file, reason }, { cause });
}
