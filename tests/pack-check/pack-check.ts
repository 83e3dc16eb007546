import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installProject } from "./pack-check-project.ts";
import { run } from "./pack-check-run.ts";
import { packAll, requireOnlyOwnFiles, requirePlainInstallation, type Tarball } from "./pack-check-tarballs.ts";

/**
 * Checks the packages as users get them: packs each, looks for files that do not belong, reads the tarballs with publint and
 * attw, installs them into an empty project outside the workspace, compiles a strict program against their types, and
 * runs it, every entry point and the program `tranship` from `dist` with the Nodes they are for.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));
const consumer = "pack-check-consumer.ts";

function main(): void {
  const folder = mkdtempSync(join(tmpdir(), "tranship-pack-"));
  try {
    // Outputs of sources that are no more would be packed, too.
    for (const name of readdirSync(join(root, "packages"))) {
      rmSync(join(root, "packages", name, "dist"), { recursive: true, force: true });
    }
    run(root, "tsc", "-b", "packages");
    const tarballs = packAll(root, folder);
    for (const tarball of tarballs) checkTarball(tarball);
    const project = installProject(folder, tarballs);
    copyFileSync(join(root, "tests/pack-check", consumer), join(project.folder, consumer));
    const compilers = compileConsumer(project.folder, project.compilers);
    const nodes = project.nodes.map((node) => runWith(node, project.folder, tarballs));
    run(project.folder, join("node_modules", ".bin", "tranship"), "--help");
    console.log(
      `pack:check: ${tarballs.length} packages are well-formed, fit TypeScript ${compilers.join(", ")}, and run on Node ${nodes.join(", ")}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkTarball(tarball: Tarball): void {
  requireOnlyOwnFiles(tarball);
  requirePlainInstallation(tarball);
  run(root, "publint", "run", "--strict", tarball.path);
  // A program has no importable entry, so there is nothing to resolve in it.
  if (tarball.entries.length > 0) run(root, "attw", "--profile", "esm-only", "--no-emoji", tarball.path);
}

/** Compiles the consumer by each compiler, in each way of finding modules; the last writes it as JavaScript. */
function compileConsumer(project: string, compilers: readonly string[]): readonly string[] {
  for (const resolution of ["bundler", "node16"]) {
    const module = resolution === "bundler" ? "preserve" : resolution;
    const compilerOptions = { ...strictOptions, module, moduleResolution: resolution };
    const config = { compilerOptions, files: [consumer] };
    writeFileSync(join(project, `tsconfig.${resolution}.json`), JSON.stringify(config));
    for (const compiler of compilers) run(project, process.execPath, compiler, "-p", `tsconfig.${resolution}.json`);
  }
  return compilers.map((compiler) =>
    run(project, process.execPath, compiler, "--version").replace("Version ", "").trim(),
  );
}

/** What a careful user turns on. The declarations of what we depend on are read, too: `skipLibCheck` stays off. */
const strictOptions = {
  target: "ES2022",
  lib: ["ES2023", "ESNext.Disposable"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: false,
};

/** Gives the version of this Node. */
function runWith(node: string, project: string, tarballs: readonly Tarball[]): string {
  const program = "node_modules/@tranship/cli/program/main.js";
  const entries = tarballs.flatMap((tarball) => tarball.entries);
  run(project, node, consumer.replace(".ts", ".js"), program, ...entries);
  const expected = tarballs.find(({ name }) => name === "@tranship/cli")?.version;
  const version = run(project, node, program, "--version").trim();
  if (version !== expected) throw new Error(`tranship --version says ${version}, the package is ${expected}`);
  return run(project, node, "--version").trim();
}

main();
