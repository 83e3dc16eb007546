import type { PackagesServiceOptions } from "@tranship/core";
import type { RegistryReader } from "@tranship/registry";
import type { Command } from "commander";
import type { RegistryFlags } from "./context.ts";
import { UsageError } from "./usage-error.ts";

/** Flags that say what to mirror. */
export interface SelectionFlags {
  readonly includePackage: readonly string[];
  readonly packages: boolean;
}

/** Adds the flags of {@link RegistryFlags}. */
export function withRegistryFlags(command: Command): Command {
  return command
    .option("--registry-login <name>", "user name for the registry; anonymous without")
    .option("--registry-password <password>", "password for the user name")
    .option("--insecure", "allow plain HTTP to a host that is not this machine")
    .option("--tls-skip-verify", "do not check the registry's certificate");
}

/** Adds the flags of {@link SelectionFlags}. */
export function withSelectionFlags(command: Command): Command {
  return command
    .option(
      "--include-package <name[@=tag]>",
      "only these packages: what their release channels point at, or one exact tag; repeatable",
      collect,
      [],
    )
    .option("--no-packages", "leave the packages out; package-versions.tar is still brought");
}

/** The services' options that the flags ask for. @throws UsageError */
export function packagesOptions(
  source: RegistryReader,
  { includePackage, packages }: SelectionFlags,
): PackagesServiceOptions {
  if (!packages && includePackage.length > 0)
    throw new UsageError("--no-packages and --include-package contradict each other");
  return { source, include: includePackage, metadataOnly: !packages };
}

/** @throws UsageError when a password comes without a name */
export function checkRegistryFlags({ registryLogin, registryPassword }: RegistryFlags): void {
  if (registryPassword !== undefined && registryLogin === undefined) {
    throw new UsageError("--registry-password needs --registry-login");
  }
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
