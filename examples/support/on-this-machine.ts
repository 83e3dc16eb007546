import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { seedProduct } from "./seed-product.ts";

/** What an example works with: a registry that holds a product, an empty one, and a folder that goes when it ends. */
export interface Stage {
  /** Where the product is, such as `127.0.0.1:41233/demo/fe`. */
  readonly from: string;
  /** Where it may go. */
  readonly to: string;
  readonly folder: string;
  /** The registries themselves, to see what was asked of them. */
  readonly source: TestRegistry;
  readonly target: TestRegistry;
}

/** Runs an example between two registries in this process: no network, no account, nothing left behind. */
export async function onThisMachine(example: (stage: Stage) => Promise<void>): Promise<void> {
  await using source = await startTestRegistry();
  await using target = await startTestRegistry();
  const folder = await mkdtemp(join(tmpdir(), "tranship-example-"));
  try {
    seedProduct(source, "demo/fe");
    await example({ from: `${source.host}/demo/fe`, to: `${target.host}/mirror/fe`, folder, source, target });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
