import { dirname } from "node:path";
import type { Command } from "commander";
import type { Config } from "./config.ts";
import { configFolder } from "./config-folder.ts";
import { configuredPlaces, targetPlan } from "./configured-places.ts";
import { configuredRegistries, inFolder } from "./configured-registries.ts";
import { settingOf, settings } from "./settings.ts";

/** Where option values of the configuration come from, as commander tells it. */
const configSource = "config";

/**
 * Gives a command what the configuration in `file` says and the command line does not: values of options, and places where
 * arguments are left out. From there on nothing tells the two apart.
 */
export function applyConfig(command: Command, config: Config, file: string): void {
  const folder = configFolder(dirname(file));
  const name = command.name();
  const isGiven = (option: string) => command.getOptionValueSource(option) === "cli";
  const has = (option: string) => command.options.some((one) => one.attributeName() === option);
  const set = (option: string, value: unknown) => {
    if (value !== undefined) command.setOptionValueWithSource(option, value, configSource);
  };
  for (const { option, key, as = option, commands = [name], unless = [], value } of settings) {
    if (!has(option) || !commands.includes(name) || [option, ...unless].some(isGiven)) continue;
    const written = settingOf(config, key);
    set(as, value && written !== undefined ? value(written as never, folder) : written);
  }
  if (has("insecure") && config.registries) set("registries", configuredRegistries(config.registries, folder, isGiven));
  const { credentials } = config.serve ?? {};
  if (name === "serve" && credentials && !isGiven("login")) set("credentials", inFolder(credentials, folder));
  const places = configuredPlaces(name, config, { folder, given: command.args, isFileGiven: isGiven("file") });
  if (places === undefined || places.length === 0) return;
  command.processedArgs = command.registeredArguments[0]?.variadic ? [places] : [...places];
  if (name === "verify" && command.getOptionValue("plan") === undefined) set("plan", targetPlan(config, folder));
}
