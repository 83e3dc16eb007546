import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Command } from "commander";
import { configTemplate } from "../config/config-template.ts";
import { configName } from "../config/locate-config.ts";
import type { CliContext } from "../context.ts";
import { fileReason } from "../file-reason.ts";
import { packageFolder } from "../package-folder.ts";
import { UsageError } from "../usage-error.ts";

/** Where the schema is below a folder that has this program among its packages. */
const installedSchema = "node_modules/@tranship/cli/schema/config.schema.json";

interface InitFlags {
  readonly force?: boolean;
  readonly print?: boolean;
}

/** `tranship init`: a configuration to begin with. */
export function initCommand(context: CliContext): Command {
  return new Command("init")
    .description("write a tranship.yaml to begin with: everything there is, explained, most of it as comments")
    .argument("[file]", "where it goes", configName)
    .option("--force", "write over a file that is there")
    .option("--print", "write it to standard output, and no file")
    .action(async (file: string, { force = false, print = false }: InitFlags) => {
      const text = configTemplate(schemaFor(dirname(file)));
      if (print) return context.output.text(text);
      await write(file, text, force);
      context.output.report("init", { file }, `${file} is written: say in it where things come from and where they go`);
    });
}

/**
 * Where editors find the schema without a network: in the packages of the folder, which is the same on every machine, or
 * else where this program is.
 */
function schemaFor(folder: string): string {
  if (existsSync(join(folder, installedSchema))) return `./${installedSchema}`;
  return pathToFileURL(fileURLToPath(new URL("schema/config.schema.json", packageFolder))).href;
}

/** A file that is there stays, unless told otherwise. */
async function write(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? "w" : "wx" });
  } catch (cause) {
    const { code = "unknown" } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new UsageError(`${file} is there already; --force writes over it`, { cause });
    throw new UsageError(`cannot write ${file}: ${fileReason(cause)}`, { cause });
  }
}
