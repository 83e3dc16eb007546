import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "../../support/tools.ts";
import { sha256OfFile } from "./read-directory.ts";
import { someoneElse } from "./unprivileged.ts";

/** One making of an image. */
export interface Making {
  /** How it differs from the first. */
  readonly how: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Where and with what images are made. */
export interface ReproduceOptions {
  /** Two existing folders, best on file systems of two kinds. */
  readonly folders: readonly [string, string];
  /** `libfaketime.so.1`; without it every making has the same clock. */
  readonly faketime?: string | undefined;
}

/** Makes the ext4 image of a layout again and again: as root and not, here and there, with other clocks, zones and masks. Needs root. */
export function reproduce(layout: string, { folders, faketime }: ReproduceOptions): readonly Making[] {
  const [here, there] = folders;
  const variants: readonly Variant[] = [
    { how: "as root", folder: here },
    { how: "as root once more", folder: here },
    { how: "in another folder, on another file system", folder: there },
    { how: "as another user", folder: here, user: someoneElse },
    {
      how: "as another user, elsewhere, in another zone, under umask 077",
      folder: there,
      user: someoneElse,
      umask: "077",
    },
    ...(faketime === undefined
      ? []
      : [
          {
            how: "as another user, in the year 2033 by all programs' clock",
            folder: there,
            user: someoneElse,
            faketime,
          },
        ]),
  ];
  return variants.map((variant) => make(layout, variant));
}

interface Variant {
  readonly how: string;
  readonly folder: string;
  readonly user?: number | undefined;
  readonly umask?: string | undefined;
  readonly faketime?: string | undefined;
}

function make(layout: string, { how, folder, user, umask, faketime }: Variant): Making {
  const work = mkdtempSync(join(folder, "making-"));
  try {
    const environment: NodeJS.ProcessEnv = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    if (umask !== undefined)
      Object.assign(environment, { TZ: "Asia/Kathmandu", LC_ALL: "C.UTF-8", HOME: "/nonexistent" });
    const clock = faketime === undefined ? {} : fakedClock(work, { faketime, path: environment.PATH ?? "" });
    const own = join(work, "layout");
    cpSync(layout, own, { recursive: true });
    execFileSync("chmod", ["-R", "a+rX", "--", work]);
    if (user !== undefined) chownSync(work, user, user);
    const image = join(work, "image.ext4");
    const program = fileURLToPath(new URL("make-ext4.ts", import.meta.url));
    const as = user === undefined ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--"];
    const settings = ["env", ...Object.entries(clock).map(([name, value]) => `${name}=${value}`)];
    const words = [...as, ...settings, process.execPath, program, own, image];
    const args = ["-c", `umask ${umask ?? "022"} && exec "$@"`, "sh", ...words];
    const said = execFileSync("sh", args, { env: environment, encoding: "utf8" });
    const { sha256, sizeBytes, year } = JSON.parse(said) as { sha256: string; sizeBytes: number; year: number };
    if (faketime !== undefined && year !== 2033) throw new Error(`the clock was not another: it said ${year}`);
    if (sha256 !== sha256OfFile(image)) throw new Error(`${image} is not what its checksum says`);
    return { how, sha256, sizeBytes };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Node and the e2fsprogs it calls, with another clock: those get theirs from wrappers on `PATH`, as little else reaches them. */
function fakedClock(work: string, { faketime, path }: { faketime: string; path: string }): Record<string, string> {
  const variables = { LD_PRELOAD: faketime, FAKETIME: "@2033-05-06 07:08:09", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
  const folder = join(work, "bin");
  mkdirSync(folder);
  const settings = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
  for (const tool of ["mke2fs", "debugfs", "e2fsck", "resize2fs", "tune2fs"]) {
    const real = findProgram(tool) ?? `/usr/sbin/${tool}`;
    writeFileSync(join(folder, tool), `#!/bin/sh\n${settings.join(" ")} exec ${real} "$@"\n`);
    chmodSync(join(folder, tool), 0o755);
  }
  return { ...variables, PATH: `${folder}:${path}` };
}
