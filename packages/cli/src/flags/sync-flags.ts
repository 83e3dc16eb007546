import type { RouteOptions } from "@tranship/core";
import type { Command } from "commander";
import type { RegistryFlags } from "../context.ts";
import type { OwnFlags } from "../sources.ts";
import { UsageError } from "../usage-error.ts";
import { withMirrorFlag } from "./connection-flags.ts";
import { checkRegistryFlags, withRegistryFlags } from "./flags.ts";
import type { SourceFlag } from "./source-flag.ts";
import { type TargetFlags, withTargetFlags } from "./target-flags.ts";

/** Flags of a command that reads one registry and writes another. */
export interface SyncFlags extends RegistryFlags, SourceFlag, TargetFlags {
  readonly sourceInsecure?: boolean;
  readonly sourceTlsSkipVerify?: boolean;
  readonly sourceClientCert?: string;
  readonly sourceClientKey?: string;
  readonly targetModulesPathSuffix?: string;
  readonly targetPackagesPathSuffix?: string;
  readonly dryRun?: boolean;
}

/** Adds the flags of {@link SyncFlags} but for `--source` and `--dry-run`. */
export function withSyncFlags(command: Command): Command {
  const withTarget = withRegistryFlags(command)
    .optionsGroup("Access to the source:")
    .option("--source-login <name>", "user name for the source; --registry-login is the target's")
    .option("--source-password <password>", "password for it; other users of this machine can see it")
    .option("-l, --license <token>", "a license token for the source, in place of a user name and its password")
    .option("--source-insecure", "what --insecure is for the target")
    .option("--source-tls-skip-verify", "what --tls-skip-verify is for the target")
    .option("--source-client-cert <file>", "what --client-cert is for the target; with --source-client-key")
    .option("--source-client-key <file>", "the private key of --source-client-cert, PEM")
    .optionsGroup("At the target:")
    .option("--target-modules-path-suffix <path>", "where modules go below the target; / is the target itself")
    .option("--target-packages-path-suffix <path>", "where packages go below the target; / is the target itself");
  return withMirrorFlag(withTargetFlags(withTarget));
}

/** What flags about the source are called, as they are the target's by the usual names. */
export const sourceFlagNames: Partial<OwnFlags> = {
  insecure: "--source-insecure",
  tlsSkipVerify: "--source-tls-skip-verify",
  clientCert: "--source-client-cert",
  clientKey: "--source-client-key",
};

/** What the flags say of the source: its own, and those that are about every connection. @throws UsageError */
export function sourceSide<Flags extends SyncFlags>(flags: Flags): Flags {
  const { sourceClientCert: clientCert, sourceClientKey: clientKey } = flags;
  if ((clientCert === undefined) !== (clientKey === undefined))
    throw new UsageError("--source-client-cert and --source-client-key need each other");
  const own: Flags = { ...flags };
  const set = (name: keyof RegistryFlags, value: unknown) => Object.assign(own, { [name]: value });
  for (const name of ["registryLogin", "registryPassword", "registryPasswordStdin"] as const) set(name, undefined);
  set("insecure", flags.sourceInsecure);
  set("tlsSkipVerify", flags.sourceTlsSkipVerify);
  set("clientCert", clientCert);
  set("clientKey", clientKey);
  checkRegistryFlags(own);
  return own;
}

/** What the flags say of the target. @throws UsageError */
export function targetSide(flags: SyncFlags): RegistryFlags & Pick<SyncFlags, "dryRun"> {
  const { sourceLogin: _login, sourcePassword: _password, license: _license, mirror: _mirror, ...own } = flags;
  checkRegistryFlags(own);
  return own;
}

/** Where catalogs go at the target. */
export function routesOf({ targetModulesPathSuffix, targetPackagesPathSuffix }: SyncFlags): RouteOptions {
  return { modulesPathSuffix: targetModulesPathSuffix, packagesPathSuffix: targetPackagesPathSuffix };
}
