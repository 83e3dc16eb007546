import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installProject } from "../pack-check/pack-check-project.ts";
import { run } from "../pack-check/pack-check-run.ts";
import { packAll } from "../pack-check/pack-check-tarballs.ts";

/**
 * Runs the tests with the oldest Node the packages are for and with the newest known, against the packages as they would be
 * published: whoever imports one by its name, and the program, gets what was packed. Arguments go to vitest: tests to run.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));

function main(): void {
  const folder = mkdtempSync(join(tmpdir(), "tranship-nodes-"));
  try {
    run(root, "tsc", "-b", "packages");
    const project = installProject(folder, packAll(root, folder));
    const env = { ...process.env, TRANSHIP_PACKED: join(project.folder, "node_modules") };
    const args = ["node_modules/vitest/vitest.mjs", "run", "--config", "tests/nodes/vitest.config.ts"];
    for (const node of project.nodes.slice(1)) {
      console.log(`$ ${run(root, node, "--version").trim()} ${args.join(" ")}`);
      const { status } = spawnSync(node, [...args, ...process.argv.slice(2)], { cwd: root, env, stdio: "inherit" });
      if (status !== 0) process.exitCode = 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main();
