import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";

/** The formats GNU tar writes. */
export type GnuTarFormat = "v7" | "ustar" | "gnu" | "posix";

/** Options of {@link packFolder}. */
export interface PackOptions {
  /** @defaultValue "gnu" */
  readonly format?: GnuTarFormat | undefined;
  /** What of the folder, in this order. @defaultValue everything in it, sorted, each folder after its name */
  readonly names?: readonly string[] | undefined;
  /** More words for GNU tar. @defaultValue mode 0777, owner 0 without a name, time 0, and no padding of records */
  readonly flags?: readonly string[] | undefined;
}

const plainFlags = ["--mode=0777", "--owner=:0", "--group=:0", "--mtime=@0", "--sort=name", "-b1"] as const;

/** Runs GNU tar and gives what it says; bytes of names are not looked at. @throws Error when it fails */
export function gnuTar(...args: readonly string[]): Buffer {
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  return execFileSync("tar", args, { env, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 28 });
}

/** Packs a folder with GNU tar. */
export function packFolder(
  folder: string,
  archive: string,
  { format = "gnu", names = readdirSync(folder).sort(), flags = plainFlags }: PackOptions = {},
): void {
  gnuTar(`--format=${format}`, ...flags, "-cf", archive, "-C", folder, "--", ...names);
}
