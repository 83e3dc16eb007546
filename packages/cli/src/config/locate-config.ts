import { statSync } from "node:fs";
import { join } from "node:path";
import type { ConfigFlags } from "./config-flags.ts";

/** The name of the configuration in a folder. */
export const configName = "tranship.yaml";

/**
 * The configuration that flags name, or else the one of the working folder; `undefined` for none. `folder` stands for the
 * working folder. @throws Error when it cannot be told whether there is one
 */
export function locateConfig({ config }: ConfigFlags, folder = "."): string | undefined {
  if (config === false) return undefined;
  if (config !== undefined) return config;
  const file = join(folder, configName);
  return statSync(file, { throwIfNoEntry: false }) === undefined ? undefined : file;
}
