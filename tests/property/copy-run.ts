import { isDeepStrictEqual } from "node:util";
import { isMirrorError } from "@tranship/core";
import { MemoryRegistry, type Registry } from "@tranship/registry";
import { seedMemory } from "@tranship/registry/testing";
import { seededRandom } from "../support/random.ts";
import { type HomeKind, injectFaults, mannerOf, openHome } from "./homes.ts";
import { buildGraph, type GraphPlan } from "./random-graph.ts";
import { type Content, contentOf, copyRepository } from "./repository-content.ts";

/** One copy of random content from one home to another. */
export interface CopyRun {
  readonly plan: GraphPlan;
  readonly from: HomeKind;
  readonly to: HomeKind;
  /** How many requests may go wrong, on either side. */
  readonly faults: number;
  readonly seed: number;
}

/** How it went; plain data. */
export interface CopyOutcome {
  readonly expected: Content;
  readonly actual: Content;
  readonly isEqual: boolean;
  /** Requests that went wrong. */
  readonly faulty: number;
  /** What the copy failed with before it got through; a copy over HTTP gets through faults unnoticed. */
  readonly failures: readonly string[];
}

const path = "demo/app";

/** Fills one home, copies what is in it to another while requests go wrong, and reads both. */
export async function copyRun({ plan, from, to, faults, seed }: CopyRun): Promise<CopyOutcome> {
  const random = seededRandom(seed);
  const original = new MemoryRegistry();
  const { tagged, artifacts } = buildGraph(plan);
  seedMemory(original, path, [...tagged, ...artifacts]);
  await using source = await openHome(from, mannerOf(seed));
  await using target = await openHome(to, mannerOf(Math.floor(seed / 4)));
  await copy(original, source.registry);
  let faulty = 0;
  const onFault = () => {
    faulty += 1;
  };
  for (const { server } of [source, target]) if (server) injectFaults(server, faults, random, onFault);
  const failures: string[] = [];
  for (let attempt = 0; ; attempt += 1) {
    try {
      await copy(source.registry, target.registry);
      break;
    } catch (error) {
      if (!isMirrorError(error, "TRANSFER_FAILED") || attempt > faults) throw error;
      failures.push(error.message);
    }
  }
  for (const { server } of [source, target]) server?.reset();
  const expected = await contentOf(original.repository(path));
  const actual = await contentOf(target.registry.repository(path));
  return { expected, actual, isEqual: isDeepStrictEqual(actual, expected), faulty, failures };
}

async function copy(from: Registry, to: Registry): Promise<void> {
  await copyRepository(from.repository(path), to.repository(path), new AbortController().signal);
}
