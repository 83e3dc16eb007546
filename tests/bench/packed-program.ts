import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, realpathSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../pack-check/pack-check-run.ts";
import { packAll } from "../pack-check/pack-check-tarballs.ts";

/** Builds the packages, unpacks what would be published into `folder`, and gives the program's entry there. */
export function packedProgram(folder: string): string {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  run(root, process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-b", "packages");
  const modules = join(folder, "node_modules");
  for (const { name, path } of packAll(root, folder)) {
    const place = join(modules, name);
    mkdirSync(place, { recursive: true });
    const { status } = spawnSync("tar", ["-xzf", path, "-C", place, "--strip-components=1"]);
    if (status !== 0) throw new Error(`cannot unpack ${path}`);
    linkDependencies(join(root, "packages", name.replace("@tranship/", ""), "node_modules"), modules);
  }
  return join(modules, "@tranship/cli/program/main.js");
}

/** Lets what is unpacked find what the packages depend on, but for each other. */
function linkDependencies(from: string, modules: string): void {
  for (const name of namesIn(from).filter((one) => !one.startsWith("@tranship/"))) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    try {
      symlinkSync(realpathSync(join(from, name)), join(modules, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // another package has the same
    }
  }
}

function namesIn(folder: string): readonly string[] {
  const names = readdirSync(folder).filter((name) => !name.startsWith("."));
  return names.flatMap((name) =>
    name.startsWith("@") ? readdirSync(join(folder, name)).map((inner) => `${name}/${inner}`) : [name],
  );
}
