import { rmSync } from "node:fs";
import { join } from "node:path";
import { Application, Converter, LogLevel, ReflectionKind } from "typedoc";
import { entryPoints, workspace } from "./entry-points.ts";

/**
 * Writes the reference of all entry points, with the guides beside it, as pages into `reports/api`. Fails on exports and
 * methods without a comment, on links that lead nowhere, and on types that are used in public but exported nowhere.
 */
const out = join(workspace, "reports/api");
const noChecks = { invalidLink: false, invalidPath: false, notDocumented: false };

async function main(): Promise<void> {
  const entries = entryPoints();
  const nameOf = new Map(entries.map(({ folder, source, name }) => [join(folder, source), name]));
  const packages = [...new Set(entries.map(({ name }) => name.split("/").slice(0, 2).join("/")))];
  const app = await Application.bootstrap({
    name: "Tranship",
    readme: join(workspace, "README.md"),
    tsconfig: join(import.meta.dirname, "tsconfig.json"),
    basePath: workspace,
    entryPoints: [...nameOf.keys()],
    projectDocuments: ["docs/guides/*.md", "docs/*.md"].map((pattern) => join(workspace, pattern)),
    packagesRequiringDocumentation: packages,
    // Properties speak by their names and types, with a comment where they do not.
    requiredToBeDocumented: ["Class", "Interface", "Function", "Variable", "TypeAlias", "Method", "Accessor"],
    validation: { notExported: true, invalidLink: true, notDocumented: true, invalidPath: true },
    treatValidationWarningsAsErrors: true,
    excludePrivate: true,
    excludeInternal: true,
    highlightLanguages: [
      "typescript",
      "javascript",
      "sh",
      "bash",
      "console",
      "json",
      "jsonc",
      "yaml",
      "mermaid",
      "text",
    ],
    disableSources: true,
    hideGenerator: true,
    logLevel: LogLevel.Warn,
  });
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return;
    const file = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile().fileName;
    reflection.name = nameOf.get(file ?? "") ?? reflection.name;
  });
  const project = await app.convert();
  if (project === undefined) throw new Error("the sources cannot be read");
  rmSync(out, { recursive: true, force: true });
  await app.generateDocs(project, out);
  app.validate(project);
  // Types that are not exported are looked for in one package at a time.
  app.options.setValue("validation", { ...noChecks, notExported: true });
  for (const name of packages) {
    project.packageName = name;
    app.validate(project);
  }
  if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
  else console.log(`reports/api/index.html: ${entries.map(({ name }) => name).join(", ")}`);
}

await main();
