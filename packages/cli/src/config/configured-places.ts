import { join } from "node:path";
import { lockFileName } from "@tranship/core";
import type { Config } from "./config.ts";
import type { ConfigFolder } from "./config-folder.ts";

/** What {@link configuredPlaces} goes by. */
interface GivenPlaces {
  readonly folder: ConfigFolder;
  /** The arguments of the command line. */
  readonly given: readonly string[];
  /** Whether `--file` is among its flags. */
  readonly isFileGiven: boolean;
}

/** The arguments a command has with this configuration; `undefined` where the command line says enough. */
export function configuredPlaces(
  command: string,
  config: Config,
  { folder, given, isFileGiven }: GivenPlaces,
): readonly string[] | undefined {
  const bundle = config.bundle === undefined ? [] : [folder.bundle(config.bundle)];
  const target = config.target === undefined ? [] : [folder.place(config.target)];
  if (command === "push") {
    // the last place is where things go, as ever; archives that are named are pushed in place of the bundle
    const to = given.length === 0 ? target : given;
    return given.length > 1 || to.length === 0 ? undefined : [...(isFileGiven ? [] : bundle), ...to];
  }
  if (given.length > 0) return undefined;
  switch (command) {
    case "pull":
    case "repair":
      return bundle;
    case "sync":
      return target;
    case "verify":
      return config.verify?.place === "target" ? target.map(asRegistry) : bundle;
    case "serve":
      return config.serve?.place === undefined ? bundle : [folder.place(config.serve.place)];
    default:
      return undefined;
  }
}

/** What a target is verified against where nothing else is said: the lock file of the bundle it was pushed from. */
export function targetPlan({ bundle, verify }: Config, folder: ConfigFolder): string | undefined {
  if (verify?.place !== "target" || bundle === undefined) return undefined;
  return join(folder.path(bundle.replace(/^bundle:/, "")), lockFileName);
}

/** A target as a place to read: a bare word is a registry, and a push takes its scheme off. */
function asRegistry(target: string): string {
  if (/^(?:oci|registry):/.test(target)) return target;
  return `registry:${target.replace(/^https?:\/\//i, "")}`;
}
