import { join } from "node:path";
import { expect, test } from "vitest";
import { LayerWorkers } from "../../../packages/core/src/rootfs/layers/layer-workers.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { comparisonText } from "./compare.ts";
import { nastyLayers } from "./nasty-image.ts";
import { type Packing, writeLayout } from "./oci-layout.ts";
import { paxArchive } from "./pax-archive.ts";
import { noReferee } from "./privileges.ts";
import { proveImage } from "./prove-image.ts";
import { umociExceptions } from "./umoci-exceptions.ts";

const how = noReferee ?? "in full";
const packings: readonly Packing[] = ["zstd", "none", "gzip"];

test.skipIf(noReferee !== undefined)(
  `an image of everything rare is what umoci unpacks: in memory, as an archive, as a directory and as ext4 (${how})`,
  { timeout: 120_000 },
  async () => {
    const folder = tempFolder();
    const [layout, ourLayout] = [join(folder, "layout"), join(folder, "packed-otherwise")];
    const archives = nastyLayers.map(paxArchive);
    writeLayout(
      layout,
      archives.map((archive) => ({ archive, packing: "gzip" })),
    );
    writeLayout(
      ourLayout,
      archives.map((archive, layer) => ({ archive, packing: packings[layer] ?? "gzip" })),
    );
    await using workers = new LayerWorkers();
    const proof = await proveImage(layout, { ourLayout, workers, folder, exceptions: umociExceptions });
    expect(proof).toHaveLength(4);
    for (const comparison of proof) expect(comparison.wrong, comparisonText(comparison)).toEqual([]);
  },
);
