import { isRepositoryPath, parseReference, type Reference } from "@tranship/registry";

/** A repository of some registry: its host, with a port where there is one, and its path there. */
export type ImageName = Pick<Reference, "registry" | "repository">;

/** What Docker Hub is called; the client knows where its API is. */
const dockerHub = "docker.io";

const dockerHubNames: ReadonlySet<string> = new Set([dockerHub, "index.docker.io", "registry-1.docker.io"]);

/**
 * Reads the name of a repository, without tag or digest, the way docker and podman do: a first component without a dot or
 * a port, other than `localhost`, is no host, and the name one of Docker Hub's. What is a single word there lies below
 * `library/`. Hosts come in lower case, and Docker Hub under one name.
 *
 * `undefined` for what is no name.
 */
export function parseImageName(text: string): ImageName | undefined {
  const [first = "", ...rest] = text.split("/");
  const hasHost = rest.length > 0 && (/[.:[]/.test(first) || first.toLowerCase() === "localhost");
  const host = hasHost ? first.toLowerCase() : dockerHub;
  const path = hasHost ? rest.join("/") : text;
  const isHub = dockerHubNames.has(host);
  const registry = isHub ? dockerHub : host;
  const repository = isHub && !path.includes("/") ? `library/${path}` : path;
  if (!isRepositoryPath(repository)) return undefined;
  try {
    parseReference(formatImageName({ registry, repository })); // whether the host is one
    return { registry, repository };
  } catch {
    return undefined;
  }
}

/** The full name of a repository, such as `docker.io/library/alpine`. */
export function formatImageName({ registry, repository }: ImageName): string {
  return `${registry}/${repository}`;
}
