import { type Command, Option } from "commander";
import type { RegistryFlags } from "./context.ts";
import { UsageError } from "./usage-error.ts";

/** The flag of {@link withBaseFlag}. */
export interface BaseFlags {
  readonly base: readonly string[];
}

/** Adds the flags of {@link RegistryFlags}. */
export function withRegistryFlags(command: Command): Command {
  return command
    .option(
      "--registry-login <name>",
      "user name for the registry; without, what docker or podman logged in with, if anything",
    )
    .option("--registry-password <password>", "password for the user name; other users of this machine can see it")
    .option("--registry-password-stdin", "read the password from standard input")
    .option("--insecure", "allow plain HTTP to a host that is not this machine")
    .option("--tls-skip-verify", "do not check the registry's certificate")
    .option("--ca <file>", "trust the certificates in this PEM file too")
    .option("--client-cert <file>", "show the registry the certificate in this PEM file; with --client-key")
    .option("--client-key <file>", "the private key of --client-cert, PEM");
}

/** Adds `--base`; its files are read by `readBase`. */
export function withBaseFlag(command: Command): Command {
  return command.addOption(
    repeatable(
      "--base <file>",
      "leave out the layers this inventory, plan or tranship.lock.json says the other side has",
    ),
  );
}

/** @throws UsageError when flags that belong together are not, or those that exclude each other are */
export function checkRegistryFlags(flags: RegistryFlags): void {
  const { registryLogin, registryPassword, registryPasswordStdin, clientCert, clientKey } = flags;
  if (registryPassword !== undefined && registryLogin === undefined) {
    throw new UsageError("--registry-password needs --registry-login");
  }
  if (registryPasswordStdin && registryLogin === undefined) {
    throw new UsageError("--registry-password-stdin needs --registry-login");
  }
  if (registryPasswordStdin && registryPassword !== undefined) {
    throw new UsageError("--registry-password and --registry-password-stdin contradict each other");
  }
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new UsageError("--client-cert and --client-key need each other");
  }
}

/** An option that may be given several times: its values in order, none unless it is given. */
export function repeatable(flags: string, description: string): Option {
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  return new Option(flags, `${description}; repeatable`).argParser(collect).default([], "none");
}
