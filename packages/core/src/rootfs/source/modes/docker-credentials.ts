import type { Credentials } from "@tranship/registry";

/** How the daemon calls Docker Hub where it wants credentials for it. */
const dockerHubAddress = "https://index.docker.io/v1/";

/**
 * The value of `X-Registry-Auth`: JSON in the URL-safe alphabet of base 64, padded, as the daemon reads it.
 * @param host - as credentials are stored under it; `docker.io` for Docker Hub
 */
export function registryAuthHeader(credentials: Credentials, host: string): string {
  const serveraddress = host === "docker.io" ? dockerHubAddress : host;
  const json = JSON.stringify({ ...fields(credentials), serveraddress });
  return Buffer.from(json).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

function fields(credentials: Credentials): Readonly<Record<string, string>> {
  if ("accessToken" in credentials) return { registrytoken: credentials.accessToken };
  if ("identityToken" in credentials) return { identitytoken: credentials.identityToken };
  return { username: credentials.username, password: credentials.password };
}
