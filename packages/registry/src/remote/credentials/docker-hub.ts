/** Where the API of Docker Hub is: not on the host its references name. */
export const dockerHubApiHost = "registry-1.docker.io";

/** The name under which credentials for Docker Hub are stored, from the days of its first API. */
export const dockerHubStoreKey = "https://index.docker.io/v1/";

const names: ReadonlySet<string> = new Set(["docker.io", "index.docker.io", dockerHubApiHost]);

/** Whether `host` is one of the names of Docker Hub. */
export function isDockerHub(host: string): boolean {
  return names.has(host.toLowerCase());
}
