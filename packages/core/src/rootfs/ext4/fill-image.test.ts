import { join } from "node:path";
import { expect, test } from "vitest";
import { HandMadeTree } from "../../../../../tests/support/hand-made-tree.ts";
import { ProgramFolder } from "../../../../../tests/support/program-folder.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { findProgram, lacking } from "../../../../../tests/support/tools.ts";
import { LayerWorkers } from "../layers/layer-workers.ts";
import { writeExt4 } from "./write-ext4.ts";

test.skipIf(lacking("mke2fs", "debugfs", "e2fsck").length > 0).for([
  { name: "Could not allocate block in ext2 filesystem", times: 2, code: undefined },
  { name: "No free space in extent map", times: 1, code: undefined },
  { name: "Could not allocate block in ext2 filesystem", times: 99, code: "TOOL_FAILED" },
  { name: "Something else", times: 1, code: "TOOL_FAILED" },
])("an image that debugfs says $name of, $times times, is made anew with more room", async ({ name, times, code }) => {
  const programs = new ProgramFolder().add(
    "debugfs",
    `if [ $(wc -l < "$HERE/calls") -le ${times} ]; then
       echo "debugfs 1 (today)" >&2; echo "write: ${name} while writing" >&2; exit 0
     fi
     exec '${findProgram("debugfs")}' "$@"`,
  );
  const environment = { PATH: `${programs.path}:${process.env.PATH}` };
  const folder = tempFolder();
  const make = new HandMadeTree();
  const tree = make.finish(folder, make.directory({ a: make.file("a") }));
  await using workers = new LayerWorkers({ maxThreads: 1 });
  const written = writeExt4(tree, join(folder, "image"), { workers, environment });
  if (code === undefined) expect((await written).sizeBytes).toBeGreaterThan(0);
  else await expect(written).rejects.toMatchObject({ code, details: { tool: "debugfs" } });
  const tries = code === undefined ? times + 1 : Math.min(times, 6);
  expect(programs.calls).toHaveLength(tries);
});

test.skipIf(lacking("mke2fs", "debugfs", "e2fsck").length > 0)(
  "an image that debugfs complains of is none, also when it answered to everything as it should",
  async () => {
    const programs = new ProgramFolder().add("debugfs", `'${findProgram("debugfs")}' "$@"; echo odd >&2`);
    const environment = { PATH: `${programs.path}:${process.env.PATH}` };
    const folder = tempFolder();
    const make = new HandMadeTree();
    const tree = make.finish(folder, make.directory({ a: make.file("a") }));
    await using workers = new LayerWorkers({ maxThreads: 1 });
    const failing = writeExt4(tree, join(folder, "image"), { workers, environment });
    await expect(failing).rejects.toMatchObject({ code: "TOOL_FAILED", details: { output: "odd" } });
  },
);
