import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, type Entrant, type Place, targetOf } from "./entrant.ts";
import { ownCommand, ownImages } from "./own-command.ts";
import type { PeerFamily, PeerProgram } from "./peer-programs.ts";
import { skopeoHome } from "./pull-entrants.ts";

/** Everybody who copies a corpus from one registry into another, empty one. */
export function syncEntrants(peers: readonly PeerProgram[]): readonly Entrant[] {
  return [own, ...peers.flatMap((peer) => syncPeers[peer.family](peer))];
}

const own: Entrant = {
  name: "tranship sync",
  kind: "own",
  makes: "one process for all, hashed on the way",
  script: (place) => ownCommand(place, "sync", targetOf(place), ...ownImages(place)),
};

const forImage = "a process for each image";
const forRepository = "a process for each repository";

const syncPeers: Readonly<Record<PeerFamily, (peer: PeerProgram) => readonly Entrant[]>> = {
  crane: ({ version, path }) => [
    {
      name: `crane ${version} copy --all-tags`,
      kind: "peer",
      makes: forRepository,
      script: (place) =>
        place.corpus.repositories
          .map((one) => {
            const [from, to] = [`${place.source}/${one}`, `${targetOf(place)}/${one}`];
            return `${command(path, "copy", "--insecure", "--all-tags", from, to)} 2>/dev/null`;
          })
          .join("\n"),
    },
  ],
  oras: ({ version, path }) => [
    {
      name: `oras ${version} cp -r`,
      kind: "peer",
      makes: `${forImage}; looks for referrers too`,
      script: (place) =>
        eachImage(place, (from, to) => {
          const access = ["--no-tty", "--from-plain-http", "--to-plain-http"];
          return `${command(path, "cp", "-r", ...access, from, to)} >/dev/null`;
        }),
    },
  ],
  regctl: ({ version, path }) => [
    {
      name: `regctl ${version} image copy`,
      kind: "peer",
      makes: forImage,
      script: (place) => {
        const hosts = [place.source, targetOf(place)].flatMap((host) => ["--host", `reg=${host},tls=disabled`]);
        const copies = eachImage(place, (from, to) => command(path, ...hosts, "image", "copy", from, to));
        return `export REGCTL_CONFIG=${join(place.out, "regctl.json")}\n${copies}`;
      },
    },
  ],
  skopeo: ({ version, path }) => [
    {
      name: `skopeo ${version} copy`,
      kind: "peer",
      makes: forImage,
      script: (place) => {
        const access = ["--src-tls-verify=false", "--dest-tls-verify=false"];
        const copies = eachImage(place, (from, to) =>
          command(path, "copy", "-q", "--all", ...access, `docker://${from}`, `docker://${to}`),
        );
        return [...skopeoHome(place.out), copies].join("\n");
      },
    },
    {
      name: `skopeo ${version} sync`,
      kind: "peer",
      makes: "one process for all",
      script: (place) => {
        const { corpus, source, out } = place;
        const list = join(out, "sync.yaml");
        const images = Object.fromEntries(corpus.repositories.map((repository) => [repository, []]));
        writeFileSync(list, JSON.stringify({ [source]: { "tls-verify": false, images } })); // JSON is YAML too
        const to = `${targetOf(place)}/bench`;
        const words = ["sync", "--all", "--dest-tls-verify=false", "--src", "yaml", "--dest", "docker", list, to];
        return [...skopeoHome(out), `${command(path, ...words)} >/dev/null 2>&1`].join("\n");
      },
    },
  ],
};

function eachImage(place: Place, copy: (from: string, to: string) => string): string {
  const images = [...place.corpus.images.keys()];
  return images.map((image) => copy(`${place.source}/${image}`, `${targetOf(place)}/${image}`)).join("\n");
}
