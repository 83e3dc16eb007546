import { join } from "node:path";
import { command, type Entrant, type Place, targetOf } from "./entrant.ts";
import { ownCommand } from "./own-command.ts";
import type { PeerFamily, PeerProgram } from "./peer-programs.ts";
import { ownPull, pullScripts, skopeoHome } from "./pull-entrants.ts";

/** Everybody who brings what it has fetched into an empty registry. */
export function pushEntrants(peers: readonly PeerProgram[]): readonly Entrant[] {
  return [own([]), own(["--trust-bundle"]), ...peers.map((peer) => pushPeers[peer.family](peer))];
}

function own(flags: readonly string[]): Entrant {
  return {
    name: ["tranship push", ...flags].join(" "),
    kind: "own",
    makes: flags.length === 0 ? "from a bundle, hashed before the first write" : "from a bundle, hashed on the way",
    prepare: (place) => ownPull(place, place.kept, ["--no-sync"]),
    script: (place) => ownCommand(place, "push", join(place.kept, "bundle"), targetOf(place), ...flags),
  };
}

const pushPeers: Readonly<Record<PeerFamily, (peer: PeerProgram) => Entrant>> = {
  crane: ({ version, path }) => ({
    name: `crane ${version} push`,
    kind: "peer",
    makes: "from a layout for each image, which is all it takes",
    prepare: (place) =>
      [...place.corpus.images.keys()]
        .map((image) =>
          command(path, "pull", "--insecure", "--format=oci", `${place.source}/${image}`, kept(place, image)),
        )
        .join("\n"),
    script: (place) =>
      [...place.corpus.images.keys()]
        .map(
          (image) =>
            `${command(path, "push", "--insecure", kept(place, image), `${targetOf(place)}/${image}`)} >/dev/null`,
        )
        .join("\n"),
  }),
  oras: ({ version, path }) => ({
    name: `oras ${version} restore`,
    kind: "peer",
    makes: "from a layout for each repository",
    prepare: (place) => pullScripts.oras(path, place, place.kept),
    script: (place) =>
      place.corpus.repositories
        .map((repository) => {
          const from = ["--input", join(place.kept, repository.replaceAll("/", "_"))];
          const words = ["restore", "--no-tty", "--plain-http", ...from, `${targetOf(place)}/${repository}`];
          return `${command(path, ...words)} >/dev/null`;
        })
        .join("\n"),
  }),
  regctl: ({ version, path }) => ({
    name: `regctl ${version} image copy`,
    kind: "peer",
    makes: "from a layout for each repository",
    prepare: (place) => pullScripts.regctl(path, place, place.kept),
    script: (place) =>
      [
        `export REGCTL_CONFIG=${join(place.out, "regctl.json")}`,
        ...[...place.corpus.images.keys()].map((image) => {
          const to = `${targetOf(place)}/${image}`;
          const host = `reg=${targetOf(place)},tls=disabled`;
          return command(path, "--host", host, "image", "copy", `ocidir://${place.kept}/${image}`, to);
        }),
      ].join("\n"),
  }),
  skopeo: ({ version, path }) => ({
    name: `skopeo ${version} copy`,
    kind: "peer",
    makes: "from a layout for each repository",
    prepare: (place) => pullScripts.skopeo(path, place, place.kept),
    script: (place) =>
      [
        ...skopeoHome(place.out),
        ...[...place.corpus.images.keys()].map((image) => {
          const [from, to] = [`oci:${place.kept}/${image}`, `docker://${targetOf(place)}/${image}`];
          return command(path, "copy", "-q", "--all", "--dest-tls-verify=false", from, to);
        }),
      ].join("\n"),
  }),
};

function kept({ kept: folder }: Place, image: string): string {
  return join(folder, image.replaceAll(/[/:]/g, "_"));
}
