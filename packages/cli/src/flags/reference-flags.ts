import { existsSync, statSync } from "node:fs";
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { UsageError } from "../usage-error.ts";
import { repeatable } from "./repeatable.ts";

/** Flags of `d8 mirror pull` for components that are not mirrored here. */
export interface ComponentFlags {
  readonly includePlatform?: string;
  readonly deckhouseTag?: string;
  readonly sinceVersion?: string;
  readonly installerTag?: string;
  readonly includePlugin?: readonly string[];
}

/** Other flags of `d8 mirror pull` that mean something else here, or nothing. */
export interface ReferenceFlags extends ComponentFlags, TmpDirFlag {
  readonly force?: boolean;
  readonly pullResume: boolean;
}

/** What the flags leave out is not there to begin with; a suspended release is one of the platform's. */
const leaveOuts = ["--no-platform", "--no-installer", "--no-security-db", "--ignore-suspend"];

/** What the other flags ask for, by their names in {@link ComponentFlags}. */
const components = [
  { name: "includePlatform", flag: "--include-platform", component: "the platform" },
  { name: "deckhouseTag", flag: "--deckhouse-tag", component: "the platform" },
  { name: "sinceVersion", flag: "--since-version", component: "the platform" },
  { name: "installerTag", flag: "--installer-tag", component: "the installer" },
  { name: "includePlugin", flag: "--include-plugin", component: "plugins" },
] as const;

/** Adds the flags of {@link ComponentFlags}, and those that leave such components out; `--help` does not list them. */
export function withComponentFlags(command: Command): Command {
  for (const flag of leaveOuts) {
    const option = new Option(flag, "understood for scripts that are written for d8 mirror").hideHelp();
    option.negate = false; // --no-platform is no opposite of --platform, which names an operating system
    command.addOption(option);
  }
  for (const { name, flag, component } of components) {
    const text = `${component}: not mirrored here yet`;
    const option = name === "includePlugin" ? repeatable(`${flag} <value>`, text) : new Option(`${flag} <value>`, text);
    command.addOption(option.hideHelp());
  }
  return command;
}

/** Adds the flags of {@link ReferenceFlags}. */
export function withReferenceFlags(command: Command): Command {
  return withComponentFlags(
    withTmpDirFlag(command)
      .optionsGroup("Bundle files:")
      .option(
        "--force",
        "write into a folder that holds archives of somebody else; those of the same names are replaced",
      )
      .option("--no-pull-resume", "the same as --restart"),
  );
}

/** The flag of {@link withTmpDirFlag}. */
export interface TmpDirFlag {
  readonly tmpDir?: string;
}

/** Adds `--tmp-dir`, which `d8 mirror` has for what it stages. */
export function withTmpDirFlag(command: Command): Command {
  return command.addOption(new Option("--tmp-dir <folder>", "of no use here: nothing is staged").hideHelp());
}

/** Says of `--tmp-dir` that it does nothing. */
export function warnOfTmpDir({ tmpDir }: TmpDirFlag, { output }: Pick<CliContext, "output">): void {
  if (tmpDir === undefined) return;
  const message = "--tmp-dir has no effect: nothing is staged, archives are written and read where they lie";
  output.event({ type: "warning.raised", code: "FLAG_WITHOUT_EFFECT", message });
}

/**
 * Refuses to leave out in silence what was asked for by name.
 * @throws UsageError
 */
export function checkComponentFlags(flags: ComponentFlags): void {
  const asked = components.filter(({ name }) => (flags[name]?.length ?? 0) > 0 || flags[name] === "");
  const [first] = asked;
  if (first === undefined) return;
  const versions = asked.filter(({ component }) => component === "the platform").map(({ flag }) => flag);
  if (versions.length > 1)
    throw new UsageError(`${versions.join(" and ")} are ambiguous: each says which versions of the platform to bring`);
  if (flags.includePlatform !== undefined && isPathLike(flags.includePlatform))
    throw new UsageError(swallowed("--include-platform", flags.includePlatform, ">=1.65.0"));
  throw new UsageError(
    `${first.flag}: ${first.component} cannot be mirrored yet, only packages, modules and images; ` +
      "bring it with d8 mirror pull into another folder: push takes both folders. --image brings single images of it",
  );
}

/**
 * What to say when no folder was given, and a flag's value looks as if it were the folder: an unquoted `>=1.2` is a
 * redirection for the shell, and the next word becomes the value.
 */
export function swallowedBundle(flags: Readonly<Record<string, readonly string[]>>): string | undefined {
  for (const [flag, values] of Object.entries(flags)) {
    const value = values.at(-1);
    if (value !== undefined && isPathLike(value)) return swallowed(flag, value, "name@>=1.65.0");
  }
  return undefined;
}

function swallowed(flag: string, value: string, example: string): string {
  return `${flag} ${value}: this is a path, not what ${flag} takes; a shell reads > and < that are not quoted as redirections, and the flag got the next word: write ${flag} "${example}"`;
}

function isPathLike(value: string): boolean {
  if (/[\\/]/.test(value) && !/^[~^=<>]/.test(value)) return true;
  return existsSync(value) && statSync(value).isDirectory();
}
