import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LayerWorkers } from "../../../packages/core/src/rootfs/layers/layer-workers.ts";
import { writeTar } from "../../../packages/core/src/rootfs/output/tar/write-tar.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { compareTrees } from "./compare.ts";
import { nastyLayers, umociExceptions } from "./nasty-image.ts";
import { type Packing, writeLayout } from "./oci-layout.ts";
import { mergeLayout, unpackLayers } from "./our-tree.ts";
import { paxArchive } from "./pax-archive.ts";
import { noReferee } from "./privileges.ts";
import { readDirectory } from "./read-directory.ts";
import { readTree } from "./read-tree.ts";
import { unpackWithUmoci } from "./reference-trees.ts";

const archives = nastyLayers.map(paxArchive);

function layoutIn(folder: string, packings: readonly Packing[]): string {
  const layout = join(folder, "layout");
  writeLayout(
    layout,
    archives.map((archive, layer) => ({ archive, packing: packings[layer] ?? "gzip" })),
  );
  return layout;
}

describe.skipIf(noReferee !== undefined)(`a root file system of everything rare (${noReferee ?? "in full"})`, () => {
  test("is what umoci unpacks: merged in memory, and as an archive that GNU tar unpacks", async () => {
    const folder = tempFolder();
    const theirs = { name: "umoci", records: readDirectory(unpackWithUmoci(layoutIn(folder, []), folder)) };
    await using workers = new LayerWorkers();
    const mixed = join(folder, "mixed");
    const tree = await mergeLayout(layoutIn(mixed, ["zstd", "none", "gzip"]), workers);
    const merged = {
      name: "the tree",
      records: readTree(tree.root, await unpackLayers(join(mixed, "layout"), folder)),
    };
    expect(compareTrees(merged, theirs, umociExceptions).wrong).toEqual([]);

    await writeTar(tree, join(folder, "merged.tar"), { workers });
    const opened = { name: "the archive", records: readDirectory(untar(join(folder, "merged.tar"), folder)) };
    expect(compareTrees(merged, opened).wrong).toEqual([]);
  });
});

function untar(archive: string, folder: string): string {
  const opened = join(folder, "opened");
  mkdirSync(opened);
  const flags = ["--xattrs", "--xattrs-include=*", "--same-owner", "--numeric-owner", "--same-permissions"];
  execFileSync("tar", [...flags, "-xf", archive, "-C", opened], { stdio: ["ignore", "pipe", "pipe"] });
  return opened;
}
