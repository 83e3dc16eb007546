import { rmSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel, type ExtractorMessage } from "@microsoft/api-extractor";
import { type EntryPoint, entryPoints, workspace } from "./entry-points.ts";

/**
 * Holds what each entry point exports against the report kept in the repository (`packages/core/core.api.md`), so that a
 * review sees the surface move. With `--write`, reports that differ are replaced. Reads the declarations in `dist`.
 */
const isWriting = process.argv.includes("--write");

function main(): void {
  const entries = entryPoints();
  const stale = entries.filter((entry) => !isCurrent(entry)).map((entry) => relative(workspace, reportOf(entry)));
  for (const path of stale) console.error(`${path}: ${isWriting ? "written" : "differs from what the sources export"}`);
  console.log(`${entries.length} API reports, ${stale.length} ${isWriting ? "updated" : "out of date"}`);
  if (stale.length === 0 || isWriting) return;
  console.error("run: npx -y pnpm@10 run api, and commit what it writes");
  process.exitCode = 1;
}

/** Where the report of an entry point is: `@tranship/registry/oci` has `packages/registry/registry-oci.api.md`. */
function reportOf({ name, folder }: EntryPoint): string {
  return join(folder, `${name.split("/").slice(1).join("-")}.api.md`);
}

function isCurrent(entry: EntryPoint): boolean {
  const report = reportOf(entry);
  const temp = join(workspace, "node_modules/.cache/api-reports");
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: entry.folder,
      mainEntryPointFilePath: join(entry.folder, entry.types),
      compiler: { tsconfigFilePath: join(import.meta.dirname, "tsconfig.json"), skipLibCheck: true },
      apiReport: {
        enabled: true,
        reportFileName: basename(report, ".api.md"),
        reportFolder: entry.folder,
        reportTempFolder: temp,
        includeForgottenExports: false,
      },
      newlineKind: "lf",
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(entry.folder, "package.json"),
  });
  const { apiReportChanged } = Extractor.invoke(config, { localBuild: isWriting, messageCallback });
  rmSync(temp, { recursive: true, force: true });
  return !apiReportChanged;
}

/** Shows errors alone: comments and links are checked where the reference is made. */
function messageCallback(message: ExtractorMessage): void {
  message.handled = message.logLevel !== ExtractorLogLevel.Error;
}

main();
