import { isDockerHub } from "./docker-hub.ts";

/** What one key of `auths` or `credHelpers` stands for. */
export interface AuthKey {
  /** Lower case, with its port if one is written; the names of Docker Hub are one. */
  readonly host: string;
  /** The repositories below this path only; empty for the whole host. */
  readonly path: string;
}

/**
 * Reads a key as docker and podman write them: `host[:port]`, `https://host`, `https://host/v1/`, `https://host/v2/`, and
 * podman's `host/namespace/repository`.
 * @see containers-auth.json(5)
 */
export function parseAuthKey(key: string): AuthKey {
  const bare = key.replace(/^https?:\/\//i, "");
  const isAddress = bare !== key || bare.endsWith("/");
  const [host = "", ...segments] = bare.split("/").filter((segment) => segment !== "");
  const path = segments.join("/");
  return { host: canonicalHost(host), path: isAddress && /^v[12]$/.test(path) ? "" : path };
}

/** One name for each registry. */
export function canonicalHost(host: string): string {
  return isDockerHub(host) ? "docker.io" : host.toLowerCase();
}

/** Whether `key` is good for the repository; without one, only what is good for the whole host is. */
export function matchesAuthKey(key: AuthKey, host: string, repository: string | undefined): boolean {
  if (key.host !== canonicalHost(host)) return false;
  return key.path === "" || `${repository ?? ""}/`.startsWith(`${key.path}/`);
}
