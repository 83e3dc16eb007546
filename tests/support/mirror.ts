import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  BundleDirectory,
  type BundleDirectoryOptions,
  type DownloadList,
  type Inventory,
  lockFileName,
  type MirrorEvent,
  PackagesService,
  type PullReport,
  parseDownloadList,
  pull,
} from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { faults, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { type ProductPackage, seedProduct } from "./product.ts";

/** A test registry with a product below `demo/fe`. */
export async function aSource(product?: readonly ProductPackage[]): Promise<TestRegistry> {
  const registry = await startTestRegistry();
  await using client = createRegistry(`${registry.host}/demo/fe`);
  await seedProduct(client, product);
  registry.reset();
  return registry;
}

interface PullIntoOptions extends BundleDirectoryOptions {
  readonly onEvent?: (event: MirrorEvent) => void;
  readonly base?: Inventory;
  readonly signal?: AbortSignal;
  readonly keepGoing?: boolean;
}

/** Pulls from {@link aSource} into a folder. */
export async function pullInto(
  folder: string,
  host: string,
  include: readonly string[] = [],
  { onEvent, base, signal, keepGoing, ...options }: PullIntoOptions = {},
): Promise<PullReport> {
  await using source = createRegistry(`${host}/demo/fe`, { retryDelayMs: 1 });
  await using bundle = await BundleDirectory.open(folder, options);
  return await pull([new PackagesService({ source, include })], {
    to: bundle,
    base,
    signal,
    onEvent,
    keepGoing,
    retryDelayMs: 1,
  });
}

/** Bytes of blobs that the source has sent. */
export function blobBytes(source: TestRegistry): number {
  const answers = source.requests().filter(({ path }) => path.includes("/blobs/"));
  return answers.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
}

/** The sha256 of every archive of a folder. */
export function digests(folder: string): Record<string, string> {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".tar"))
    .sort();
  const digest = (name: string) =>
    createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
  return Object.fromEntries(names.map((name) => [name, digest(name)]));
}

/** The plan a finished bundle was made from. */
export function readPlan(folder: string): DownloadList {
  return parseDownloadList(readFileSync(join(folder, lockFileName), "utf8"), lockFileName);
}

/**
 * Pulls from {@link aSource} until the package alb is finished, and stops there: of the package console the release channels
 * are in, and the metadata of the whole catalog is not planned yet.
 */
export async function pullUntilAlb(registry: TestRegistry, folder: string): Promise<void> {
  const isLate = /packages\/console\/(?:blobs\/|version\/manifests\/v1\.44\.0$)/;
  registry.fail(faults.stall(), { match: ({ path }) => isLate.test(path), times: 99 });
  const stop = new AbortController();
  const onEvent = (event: MirrorEvent) => {
    if (event.type === "archive.finished" && event.archive === "package-alb.tar") stop.abort(new Error("alb is there"));
  };
  try {
    await pullInto(folder, registry.host, [], { onEvent, signal: stop.signal });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  registry.reset();
}
