import type { PasswordCredentials } from "@tranship/registry";
import type { Command } from "commander";
import { type Environment, firstSet, loginVariables, type RegistrySide } from "../environment.ts";
import { readPassword } from "../read-password.ts";
import { UsageError } from "../usage-error.ts";

/** Flags that say who asks a registry. */
export interface CredentialFlags {
  readonly registryLogin?: string;
  readonly registryPassword?: string;
  readonly registryPasswordStdin?: boolean;
  readonly sourceLogin?: string;
  readonly sourcePassword?: string;
  readonly license?: string;
}

/** The user name that goes with a license token. */
export const licenseLogin: string = "license-token";

/** Adds who asks the registry. */
export function withCredentialFlags(command: Command): Command {
  return command
    .optionsGroup("Access to registries:")
    .option(
      "-u, --registry-login <name>",
      "user name for the registry; without, what docker or podman logged in with, if anything",
    )
    .option("-p, --registry-password <password>", "password for the user name; other users of this machine can see it")
    .option("--registry-password-stdin", "read the password from standard input");
}

/** Adds the same by the names that `d8 mirror pull` has for a source. */
export function withSourceCredentialFlags(command: Command): Command {
  return command
    .optionsGroup("Access to registries:")
    .option("--source-login <name>", "the same as --registry-login")
    .option("--source-password <password>", "the same as --registry-password")
    .option("-l, --license <token>", "a license token in place of a user name and its password");
}

/** @throws UsageError when credentials are given in two ways */
export function checkCredentialFlags(flags: CredentialFlags): void {
  const { registryLogin, registryPassword, registryPasswordStdin, sourceLogin, sourcePassword, license } = flags;
  if (registryLogin !== undefined && sourceLogin !== undefined)
    throw new UsageError("--registry-login and --source-login say the same thing: give one of them");
  if (registryPassword !== undefined && sourcePassword !== undefined)
    throw new UsageError("--registry-password and --source-password say the same thing: give one of them");
  const password =
    registryPassword !== undefined ? "--registry-password" : sourcePassword !== undefined ? "--source-password" : "";
  if (registryPasswordStdin && password !== "")
    throw new UsageError(`${password} and --registry-password-stdin contradict each other`);
  const login = registryLogin !== undefined ? "--registry-login" : sourceLogin !== undefined ? "--source-login" : "";
  const other = login || password || (registryPasswordStdin ? "--registry-password-stdin" : "");
  if (license !== undefined && other !== "")
    throw new UsageError(
      `--license and ${other} contradict each other: a license token needs neither name nor password`,
    );
}

/** Whether flags say anything of who asks. */
export function hasCredentials(flags: CredentialFlags): boolean {
  const { registryLogin, sourceLogin, license } = flags;
  return [registryLogin, sourceLogin, license, passwordFlag(flags)].some((one) => one !== undefined);
}

/**
 * Who asks, as flags or else the environment say; `undefined` where neither does. What is given closest decides: flags,
 * then our variables, then those of `d8 mirror`; among variables of one program a login goes before a license token.
 * @throws UsageError for a password without a user name
 */
export async function credentialsOf(
  flags: CredentialFlags,
  side: RegistrySide,
  environment: Environment,
  input: AsyncIterable<Uint8Array>,
): Promise<PasswordCredentials | undefined> {
  if (side === "elsewhere") return undefined;
  const variables = loginVariables[side];
  const given = firstSet(
    environment,
    variables.map(({ password }) => password),
  );
  const login = loginOf(flags, side, environment);
  if (login?.license !== undefined) return { username: licenseLogin, password: login.license };
  const flagPassword = flags.registryPassword ?? flags.sourcePassword;
  if (login?.username === undefined) {
    const name = passwordFlag(flags) ?? given?.name;
    if (name === undefined) return undefined;
    throw new UsageError(
      `${name} needs a user name: give --${side === "source" ? "source" : "registry"}-login or set ${variables[0]?.login}`,
    );
  }
  const password = flags.registryPasswordStdin
    ? await readPassword(input, "--registry-password-stdin")
    : (flagPassword ?? given?.value ?? "");
  return { username: login.username, password };
}

/** A user name, or a token in place of one. */
interface Login {
  readonly username?: string | undefined;
  readonly license?: string | undefined;
}

function loginOf(flags: CredentialFlags, side: RegistrySide, environment: Environment): Login | undefined {
  const username = flags.registryLogin ?? flags.sourceLogin;
  if (username !== undefined) return { username };
  if (flags.license !== undefined) return { license: flags.license };
  for (const { login, license } of loginVariables[side]) {
    if (environment[login]) return { username: environment[login] };
    // a password on the command line is nobody's token
    if (license !== undefined && environment[license] && passwordFlag(flags) === undefined)
      return { license: environment[license] };
  }
  return undefined;
}

function passwordFlag(flags: CredentialFlags): string | undefined {
  if (flags.registryPasswordStdin) return "--registry-password-stdin";
  if (flags.registryPassword !== undefined) return "--registry-password";
  return flags.sourcePassword === undefined ? undefined : "--source-password";
}
