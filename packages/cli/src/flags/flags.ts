import type { Command } from "commander";
import type { RegistryFlags } from "../context.ts";
import { UsageError } from "../usage-error.ts";
import { checkConnectionFlags, withConnectionFlags, withMirrorFlag } from "./connection-flags.ts";
import { checkCredentialFlags, withCredentialFlags, withSourceCredentialFlags } from "./credential-flags.ts";
import { repeatable } from "./repeatable.ts";

export { repeatable } from "./repeatable.ts";

/** The flag of {@link withBaseFlag}. */
export interface BaseFlags {
  readonly base: readonly string[];
}

/** Adds the flags of {@link RegistryFlags}. */
export function withRegistryFlags(command: Command): Command {
  return withConnectionFlags(
    withCredentialFlags(command.optionsGroup("Access to registries:"))
      .option("--insecure", "allow plain HTTP to a host that is not this machine")
      .option("--tls-skip-verify", "do not check the registry's certificate")
      .option("--ca <file>", "trust the certificates in this PEM file too")
      .option("--client-cert <file>", "show the registry the certificate in this PEM file; with --client-key")
      .option("--client-key <file>", "the private key of --client-cert, PEM"),
  );
}

/** Adds the flags of {@link RegistryFlags} to a command whose registry is a source, which `d8 mirror` has other names for. */
export function withSourceAccessFlags(command: Command): Command {
  return withMirrorFlag(withRegistryFlags(withSourceCredentialFlags(command)));
}

/** Adds `--base`; its files are read by `readBase`. */
export function withBaseFlag(command: Command): Command {
  return command
    .optionsGroup("For all of them:")
    .addOption(
      repeatable(
        "--base <file>",
        "leave out the layers this inventory, plan or tranship.lock.json says the other side has",
      ),
    );
}

/** @throws UsageError when flags that belong together are not, or those that exclude each other are */
export function checkRegistryFlags(flags: RegistryFlags): void {
  checkCredentialFlags(flags);
  checkConnectionFlags(flags);
  const { clientCert, clientKey } = flags;
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new UsageError("--client-cert and --client-key need each other");
  }
}
