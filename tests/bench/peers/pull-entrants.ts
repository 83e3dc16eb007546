import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { command, type Entrant, type Place } from "./entrant.ts";
import { ownCommand, ownImages } from "./own-command.ts";
import type { PeerFamily, PeerProgram } from "./peer-programs.ts";

/** Everybody who fetches a corpus into files. */
export function pullEntrants(peers: readonly PeerProgram[]): readonly Entrant[] {
  return [own([]), own(["--no-sync"]), ...peers.map((peer) => pullPeers[peer.family](peer)), curl];
}

function own(flags: readonly string[]): Entrant {
  return {
    name: ["tranship pull", ...flags].join(" "),
    kind: "own",
    makes: flags.includes("--no-sync") ? "a bundle, hashed" : "a bundle, hashed and on the device",
    script: (place) => ownPull(place, place.out, flags),
  };
}

/** Pulls the corpus into `folder/bundle` with our program. */
export function ownPull(place: Place, folder: string, flags: readonly string[]): string {
  const trust = place.caFile === undefined ? [] : ["--ca", place.caFile];
  return ownCommand(place, "pull", join(folder, "bundle"), ...ownImages(place), ...trust, ...flags);
}

/** What curl does without looking at anything: the ceiling. */
const curl: Entrant = {
  name: "curl, 8 at a time",
  kind: "ceiling",
  makes: "files, unchecked",
  script({ corpus, source, caFile, out }) {
    const config = join(out, "urls");
    const scheme = caFile === undefined ? "http" : "https";
    const lines = [...corpus.blobs].flatMap(([digest, { repository, isManifest }]) => [
      `url = "${scheme}://${source}/v2/${repository}/${isManifest ? "manifests" : "blobs"}/${digest}"`,
      `output = "${join(out, digest.slice("sha256:".length))}"`,
      ...(isManifest ? ['header = "Accept: application/vnd.oci.image.manifest.v1+json"'] : []),
    ]);
    writeFileSync(config, `${lines.join("\n")}\n`);
    const trust = caFile === undefined ? [] : ["--cacert", caFile];
    const parallel = ["--parallel", "--parallel-max", "8", "--http1.1"]; // eight connections, not eight streams of one
    return command("curl", "--silent", "--fail", ...trust, ...parallel, "--config", config);
  },
};

type Script = (path: string, place: Place, folder: string) => string;

/** Fetches the corpus into `folder`, by family: what a peer's pull is, and what it has to push. */
export const pullScripts: Readonly<Record<PeerFamily, Script>> = {
  crane: (path, place, folder) =>
    [
      ...trustInGo(place),
      command(
        path,
        "pull",
        ...(place.caFile === undefined ? ["--insecure"] : []),
        "--format=oci",
        "--annotate-ref",
        ...[...place.corpus.images.keys()].map((image) => `${place.source}/${image}`),
        join(folder, "oci"),
      ),
    ].join("\n"),
  oras: (path, { corpus, source, caFile }, folder) =>
    corpus.repositories
      .map((repository) => {
        const access = caFile === undefined ? ["--plain-http"] : ["--ca-file", caFile];
        const to = ["--output", join(folder, repository.replaceAll("/", "_"))];
        return `${command(path, "backup", "--no-tty", ...access, ...to, `${source}/${repository}`)} >/dev/null`;
      })
      .join("\n"),
  regctl: (path, place, folder) =>
    [
      ...trustInGo(place),
      `export REGCTL_CONFIG=${join(folder, "regctl.json")}`,
      ...[...place.corpus.images.keys()].map((image) =>
        command(
          path,
          ...["--host", `reg=${place.source},tls=${place.caFile === undefined ? "disabled" : "enabled"}`],
          ...["image", "copy", `${place.source}/${image}`, `ocidir://${folder}/${image}`],
        ),
      ),
    ].join("\n"),
  skopeo: (path, { corpus, source, caFile }, folder) =>
    [
      ...skopeoHome(folder),
      `mkdir -p ${[...new Set(corpus.repositories.map((repository) => dirname(join(folder, repository))))].join(" ")}`,
      ...[...corpus.images.keys()].map((image) => {
        const access = caFile === undefined ? "--src-tls-verify=false" : `--src-cert-dir=${dirname(caFile)}`;
        return command(path, "copy", "-q", "--all", access, `docker://${source}/${image}`, `oci:${folder}/${image}`);
      }),
    ].join("\n"),
};

const layouts = "a layout for each repository, hashed";

const pullPeers: Readonly<Record<PeerFamily, (peer: PeerProgram) => Entrant>> = {
  crane: (peer) => pullPeer(peer, "pull", "one layout, hashed"),
  oras: (peer) => pullPeer(peer, "backup", layouts),
  regctl: (peer) => pullPeer(peer, "image copy", layouts),
  skopeo: (peer) => pullPeer(peer, "copy", "a layout for each repository, hashed and on the device"),
};

function pullPeer({ family, version, path }: PeerProgram, verb: string, makes: string): Entrant {
  return {
    name: `${family} ${version} ${verb}`,
    kind: "peer",
    makes,
    script: (place) => pullScripts[family](path, place, place.out),
  };
}

/** What makes programs in Go trust the source. */
function trustInGo({ caFile }: Place): readonly string[] {
  return caFile === undefined ? [] : [`export SSL_CERT_FILE=${caFile}`];
}

/** Keeps what skopeo remembers of blobs from turn to turn out of the system's folder: every turn begins without it. */
export function skopeoHome(folder: string): readonly string[] {
  return ["export _CONTAINERS_ROOTLESS_UID=1000", `export XDG_DATA_HOME=${join(folder, "skopeo")}`];
}
