import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LayerWorkers } from "../../../packages/core/src/rootfs/layers/layer-workers.ts";
import { type Difference, differences } from "./compare.ts";
import { writeLayout } from "./oci-layout.ts";
import { mergeLayout } from "./our-tree.ts";
import { paxArchive } from "./pax-archive.ts";
import { randomLayers } from "./random-layers.ts";
import { readDirectory } from "./read-directory.ts";
import { readTree } from "./read-tree.ts";
import { unpackWithUmoci } from "./reference-trees.ts";
import type { TreeRecord } from "./tree-record.ts";

/** What random layers are held against umoci with. */
export interface RandomProofOptions {
  readonly runs: number;
  /** Of the first run; the others count on from it. */
  readonly seed: number;
  readonly workers: LayerWorkers;
  readonly folder: string;
}

/** How often what came out. */
export interface RandomProof {
  /** Trees that are the same in everything. */
  readonly same: number;
  /** Trees that differ only in what {@link isKnown} tells. */
  readonly known: number;
  /** Layers that neither unpacks. */
  readonly refused: number;
  /** Layers that umoci cannot unpack, links to themselves; or a tree that is another, with its seed. */
  readonly onlyUmociRefuses: number;
  readonly wrong: readonly string[];
}

/** Merges random layers and compares with what umoci unpacks of them. */
export async function randomProof({ runs, seed, workers, folder }: RandomProofOptions): Promise<RandomProof> {
  const counts = { same: 0, known: 0, refused: 0, onlyUmociRefuses: 0 };
  const wrong: string[] = [];
  for (let one = seed; one < seed + runs; one += 1) {
    const work = join(folder, "random");
    rmSync(work, { recursive: true, force: true });
    const layout = join(work, "layout");
    const archives = randomLayers(one).map(paxArchive);
    writeLayout(
      layout,
      archives.map((archive) => ({ archive, packing: "gzip" })),
    );
    const paths = archives.map((archive, layer) => {
      const path = join(work, `${layer}.tar`);
      writeFileSync(path, archive);
      return path;
    });
    const theirs = await attempt(() => readDirectory(unpackWithUmoci(layout, work)));
    const ours = await attempt(async () => readTree((await mergeLayout(layout, workers)).root, paths));
    if (ours instanceof Error || theirs instanceof Error) {
      if (ours instanceof Error && theirs instanceof Error) counts.refused += 1;
      else if (theirs instanceof Error && /link: no such file/.test(theirs.message)) counts.onlyUmociRefuses += 1;
      else wrong.push(`seed ${one}: ours: ${messageOf(ours)}; umoci: ${messageOf(theirs)}`);
      continue;
    }
    const found = differences(ours, theirs);
    const unknown = found.filter((difference) => !isKnown(difference, ours));
    for (const { path, field, left, right } of unknown) wrong.push(`seed ${one}: ${path}: ${field}: ${left}, ${right}`);
    if (unknown.length === 0) counts[found.length === 0 ? "same" : "known"] += 1;
  }
  return { ...counts, wrong };
}

/**
 * Times that umoci took from its clock; and metadata of directories that no entry that counts says anything of, which are
 * the lower, hidden directory's there.
 */
function isKnown({ path, field, right }: Difference, ours: readonly TreeRecord[]): boolean {
  const record = ours.find((one) => one.path === path);
  if (record?.type !== "directory") return false;
  if (field === "mtime" && Math.abs(Date.now() / 1000 - Number(right)) < 24 * 60 * 60) return true;
  return record.mtime === 0n && record.mode === 0o755 && record.uid === 0 && ["mtime", "mode", "owner"].includes(field);
}

async function attempt<Value>(make: () => Value | Promise<Value>): Promise<Value | Error> {
  try {
    return await make();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function messageOf(outcome: unknown): string {
  return outcome instanceof Error ? outcome.message.trim().replaceAll("\n", " ").slice(-200) : "unpacked";
}
