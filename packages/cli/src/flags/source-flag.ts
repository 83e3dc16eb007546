import type { Command } from "commander";
import { type Environment, firstSet, sourceVariables } from "../environment.ts";
import { UsageError } from "../usage-error.ts";

/** The flag of {@link withSourceFlag}. */
export interface SourceFlag {
  readonly source?: string;
  /** What the configuration says in its place. */
  readonly configuredSource?: string;
}

/** Adds `--source`. */
export function withSourceFlag(
  command: Command,
  description = "registry and path, e.g. registry.example.com/deckhouse/fe; or oci:DIR, bundle:DIR",
): Command {
  return command
    .optionsGroup("Packages and modules:")
    .option("--source <place>", `${description}; without, ${sourceVariables[0]} says it`);
}

/** The source, as the flag, else the configuration, else the environment says; `undefined` where none does. */
export function sourceOf({ source, configuredSource }: SourceFlag, environment: Environment): string | undefined {
  return source ?? configuredSource ?? firstSet(environment, sourceVariables)?.value;
}

/** The same for commands that cannot do without. @throws UsageError */
export function requireSource(flag: SourceFlag, environment: Environment): string {
  const source = sourceOf(flag, environment);
  if (source !== undefined) return source;
  throw new UsageError(
    `no source was given: name images, such as --image ghcr.io/org/app:v1, or a registry with packages and modules, --source registry.example.com/deckhouse/fe (or ${sourceVariables[0]}, or source: or images: in tranship.yaml)`,
  );
}
