import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import type { FoundPeers, PeerProgram } from "./peer-programs.ts";

const run = promisify(execFile);

const families = ["crane", "oras", "skopeo"] as const;

/** What its skopeo is linked with and this system's release may have older. */
const libraries = ["libc6", "libgpgme45", "libsqlite3-0", "libassuan9", "libgpg-error0"];

const versions = z.partialRecord(z.enum(families), z.string());

/**
 * Programs as Debian unstable has them, unpacked beside the system and never into it: into
 * `$TRANSHIP_TOOLS/debian-unstable` or `~/.cache/tranship-tools/debian-unstable`, once; who removes that folder gets them
 * anew. What cannot be had is said, not thrown.
 */
export async function debianPeers(): Promise<FoundPeers> {
  const home = process.env.TRANSHIP_TOOLS ?? join(homedir(), ".cache", "tranship-tools");
  const folder = join(home, "debian-unstable");
  try {
    if (!existsSync(folder)) await unpack(home, folder);
    const known = versions.parse(JSON.parse(await readFile(join(folder, "versions.json"), "utf8")));
    const programs = families.flatMap((family): readonly PeerProgram[] => {
      const version = known[family];
      return version === undefined ? [] : [{ family, version, path: join(folder, "bin", family) }];
    });
    const lacking = families.filter((family) => known[family] === undefined);
    return {
      programs,
      missing: lacking.map((family) => `${family} of Debian unstable cannot be had or does not start`),
    };
  } catch {
    return { programs: [], missing: ["programs of Debian unstable: its packages cannot be had here"] };
  }
}

/** Whole or not there, whoever else does it meanwhile. */
async function unpack(home: string, folder: string): Promise<void> {
  await mkdir(home, { recursive: true });
  const fresh = await mkdtemp(join(home, ".debian-unstable-"));
  try {
    const apt = await aptBeside(fresh);
    await apt("update");
    await mkdir(join(fresh, "bin"));
    const found: Partial<Record<(typeof families)[number], string>> = {};
    for (const name of [...families, ...libraries]) {
      const deb = await download(apt, join(fresh, "debs", name), name);
      if (deb === undefined) continue;
      const isLibrary = libraries.includes(name);
      await run("dpkg-deb", ["-x", deb, join(fresh, isLibrary ? "libraries" : "programs")]);
      const family = families.find((one) => one === name);
      if (family) found[family] = (await run("dpkg-deb", ["-f", deb, "Version"])).stdout.trim();
    }
    for (const family of families) {
      if (!(await makeStarter(fresh, folder, family))) delete found[family];
    }
    await writeFile(join(fresh, "versions.json"), JSON.stringify(found));
    for (const name of ["apt", "debs"]) await rm(join(fresh, name), { recursive: true, force: true });
    await rename(fresh, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // else another process was first
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

type Apt = (command: string, options?: { readonly name: string; readonly cwd: string }) => Promise<void>;

/** `apt-get` with lists, caches and a status of its own: the system's stay as they are. */
async function aptBeside(folder: string): Promise<Apt> {
  const at = (...names: readonly string[]) => join(folder, "apt", ...names);
  const folders = [
    at("lists", "partial"),
    at("cache", "archives", "partial"),
    at("parts"),
    at("preferences"),
    at("state"),
  ];
  for (const one of folders) await mkdir(one, { recursive: true });
  await writeFile(at("status"), "");
  const keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
  await writeFile(at("sources.list"), `deb [signed-by=${keys}] ${await debianPlace()} sid main\n`);
  const settings = {
    "Dir::State": at("state"),
    "Dir::State::lists": at("lists"),
    "Dir::State::status": at("status"),
    "Dir::Cache": at("cache"),
    "Dir::Etc::sourcelist": at("sources.list"),
    "Dir::Etc::sourceparts": at("parts"),
    "Dir::Etc::preferencesparts": at("preferences"),
    "Acquire::Languages": "none",
    "APT::Sandbox::User": "root", // the folder may be closed to apt's own user
  };
  const config = at("apt.conf");
  await writeFile(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(""),
  );
  return async (command, options) => {
    const env = { ...process.env, APT_CONFIG: config };
    const args = options ? [command, options.name] : [command];
    await run("apt-get", ["-q", ...args], { env, cwd: options?.cwd ?? folder, timeout: 180_000, maxBuffer: 8 << 20 });
  };
}

/** Where this system has its own packages from. @throws Error when it has none from anywhere */
async function debianPlace(): Promise<string> {
  for (const file of ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"]) {
    const text = await readFile(file, "utf8").catch(() => "");
    const places = [...text.matchAll(/^(?:URIs:|deb(?: \[.*?\])?)\s+(\S+)/gm)].map(([, place = ""]) => place);
    const place = places.find((one) => !one.includes("security"));
    if (place !== undefined) return place;
  }
  throw new Error("this system has no packages from anywhere");
}

/** Fetches one package's file; `undefined` when there is none of the name. */
async function download(apt: Apt, folder: string, name: string): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  await apt("download", { name, cwd: folder }).catch(() => undefined);
  const [file] = await readdir(folder);
  return file === undefined ? undefined : join(folder, file);
}

/** What starts a program: itself where that works, else a script that gives it the libraries that came along. */
async function makeStarter(fresh: string, folder: string, family: string): Promise<boolean> {
  const starter = join(fresh, "bin", family);
  const program = join("programs/usr/bin", family);
  await symlink(join("..", program), starter);
  if (await starts(starter, family)) return true;
  const libraries = await readdir(join(fresh, "libraries"), { recursive: true }).catch(() => []);
  const loader = libraries.find((path) => /^usr\/lib\/[^/]+\/ld-linux[^/]*\.so\.\d+$/.test(path));
  if (loader === undefined) return false;
  const write = async (place: string) => {
    const [run, found] = [join(place, "libraries", loader), join(place, "libraries", dirname(loader))];
    await writeFile(starter, `#!/bin/sh\nexec '${run}' --library-path '${found}' '${join(place, program)}' "$@"\n`);
  };
  await rm(starter);
  await write(fresh);
  await chmod(starter, 0o755);
  if (!(await starts(starter, family))) return false;
  await write(folder); // where it will be once it is whole
  return true;
}

async function starts(program: string, family: string): Promise<boolean> {
  const args = [family === "skopeo" ? "--version" : "version"];
  return await run(program, args).then(
    () => true,
    () => false,
  );
}
