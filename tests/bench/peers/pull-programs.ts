import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type GoTool, goTool, goToolVersion } from "../../support/go-tools.ts";
import { findProgram } from "../../support/tools.ts";
import type { Corpus } from "./corpus.ts";

/** Who fetches a corpus. */
export interface PullProgram {
  readonly name: string;
  /** What it leaves, in words. */
  readonly makes: string;
  /** A script that fetches everything from the registry on `host` into the empty folder `out`. */
  script(corpus: Corpus, host: string, out: string): string;
}

/** Programs that are measured, and those that are not there, with the reason. */
export interface FoundPrograms {
  readonly programs: readonly PullProgram[];
  readonly missing: readonly string[];
}

const cli = fileURLToPath(new URL("../../../packages/cli/program/main.js", import.meta.url));

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(" ");

function tranship(name: string, flags: readonly string[]): PullProgram {
  return {
    name,
    makes: "a bundle",
    script: ({ repositories }, host, out) => {
      const images = repositories.flatMap((repository) => ["--image", `${host}/${repository}@*`]);
      return quoted([process.execPath, cli, "pull", join(out, "bundle"), "--referrers", "none", ...images, ...flags]);
    },
  };
}

/** What curl does without looking at anything: the ceiling. */
const curl: PullProgram = {
  name: "curl, 8 at a time",
  makes: "files, unchecked",
  script({ blobs }, host, out) {
    const config = join(out, "urls");
    const lines = [...blobs].flatMap(([digest, { repository, isManifest }]) => [
      `url = "http://${host}/v2/${repository}/${isManifest ? "manifests" : "blobs"}/${digest}"`,
      `output = "${join(out, digest.slice("sha256:".length))}"`,
      ...(isManifest ? ['header = "Accept: application/vnd.oci.image.manifest.v1+json"'] : []),
    ]);
    writeFileSync(config, `${lines.join("\n")}\n`);
    return quoted(["curl", "--silent", "--fail", "--parallel", "--parallel-max", "8", "--config", config]);
  },
};

function skopeo(version: string): PullProgram {
  return {
    name: `skopeo ${version} copy`,
    makes: "layouts",
    script: ({ images }, host, out) =>
      images
        .map((image) =>
          quoted([
            "skopeo",
            "copy",
            "-q",
            "--all",
            "--src-tls-verify=false",
            `docker://${host}/${image}`,
            `oci:${out}/${image}`,
          ]),
        )
        .map((line, n) => `mkdir -p ${join(out, images[n]?.replace(/\/[^/]*$/, "") ?? "")}\n${line}`)
        .join("\n"),
  };
}

const goPrograms: Readonly<Record<Exclude<GoTool, "olareg">, (path: string, version: string) => PullProgram>> = {
  crane: (path, version) => ({
    name: `crane ${version} pull`,
    makes: "one layout",
    script: ({ images }, host, out) =>
      quoted([
        path,
        "pull",
        "--insecure",
        "--format=oci",
        "--annotate-ref",
        ...images.map((image) => `${host}/${image}`),
        `${out}/oci`,
      ]),
  }),
  oras: (path, version) => ({
    name: `oras ${version} backup`,
    makes: "layouts",
    script: ({ repositories }, host, out) =>
      repositories
        .map((repository) =>
          quoted([
            path,
            "backup",
            "--no-tty",
            "--plain-http",
            "--output",
            join(out, repository.replace("/", "_")),
            `${host}/${repository}`,
          ]),
        )
        .map((line) => `${line} >/dev/null`)
        .join("\n"),
  }),
  regctl: (path, version) => ({
    name: `regctl ${version} image copy`,
    makes: "layouts",
    script: ({ images }, host, out) =>
      [
        `export REGCTL_CONFIG=${out}/regctl.json`,
        quoted([path, "registry", "set", "--tls", "disabled", host]),
        ...images.map((image) => quoted([path, "image", "copy", `${host}/${image}`, `ocidir://${out}/${image}`])),
      ].join("\n"),
  }),
};

/** Everybody who can fetch a corpus on this machine. */
export async function pullPrograms(): Promise<FoundPrograms> {
  const programs: PullProgram[] = [tranship("tranship", []), tranship("tranship --no-sync", ["--no-sync"])];
  const missing: string[] = [];
  for (const name of ["crane", "oras", "regctl"] as const) {
    const built = await goTool(name);
    if (built.path === undefined) missing.push(`${name}: ${built.missing}`);
    else programs.push(goPrograms[name](built.path, (await goToolVersion(name)).slice(1)));
  }
  if (findProgram("skopeo") !== undefined) {
    const version = /version (\S+)/.exec(execFileSync("skopeo", ["--version"], { encoding: "utf8" }))?.[1] ?? "";
    programs.push(skopeo(version));
  } else missing.push("skopeo is not installed");
  programs.push(curl);
  return { programs, missing };
}
