import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { RootfsError } from "../../errors.ts";
import type { ToolEnvironment } from "../../ext4/find-tool.ts";
import { isLoopback } from "../plain-credentials.ts";

/** Where a Docker daemon listens. */
export interface DockerEndpoint {
  /** As messages name it. */
  readonly name: string;
  /** How `node:http` gets there. */
  readonly connection: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  /** What stands before every path, empty for nothing. */
  readonly pathPrefix: string;
  /** What `node:https` needs; absent where TLS is not spoken. Without `ca` the system's authorities count. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | undefined;
  /** Whether others can read what is sent: plain TCP to another machine. */
  readonly isExposed: boolean;
}

const defaultHost = "unix:///var/run/docker.sock";

/**
 * The daemon that `DOCKER_HOST` names: `unix`, `tcp`, `http` or `https`. `DOCKER_TLS_VERIFY` makes TLS of `tcp`, with the
 * `ca.pem`, `cert.pem` and `key.pem` in `DOCKER_CERT_PATH`, as Docker's own client has it. Contexts are not read: only that
 * client knows them.
 * @throws RootfsError `DAEMON_FAILED` for anything else, `FILE_FAILED` for certificates that cannot be read
 */
export async function dockerEndpoint(environment: ToolEnvironment): Promise<DockerEndpoint> {
  const text = environment.DOCKER_HOST?.trim() || defaultHost;
  if (text.startsWith("unix://")) return unixEndpoint(text.slice("unix://".length));
  const { hostname, port, pathname, protocol } = parsed(text);
  const isVerified = (environment.DOCKER_TLS_VERIFY ?? "").trim() !== "";
  const isSecure = protocol === "https:" || (protocol === "tcp:" && isVerified);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const usualPort = protocol === "tcp:" ? (isSecure ? 2376 : 2375) : isSecure ? 443 : 80;
  return {
    name: `${protocol}//${hostname}${port === "" ? "" : `:${port}`}`,
    connection: { host, port: port === "" ? usualPort : Number(port) },
    pathPrefix: pathname.replace(/\/+$/, ""),
    tls: isSecure ? await certificates(environment, isVerified) : undefined,
    isExposed: !isSecure && !isLoopback(hostname),
  };
}

function unixEndpoint(path: string): DockerEndpoint {
  if (!isAbsolute(path)) throw unusable("unix", "its socket has no absolute path");
  return { name: `unix://${path}`, connection: { socketPath: path }, pathPrefix: "", isExposed: false };
}

function parsed(text: string): URL {
  const [, scheme = ""] = /^([A-Za-z0-9+.-]{1,20}):/.exec(text) ?? [];
  if (!["tcp", "http", "https"].includes(scheme)) {
    throw unusable(scheme, "only unix, tcp, http and https addresses are spoken to");
  }
  const url = URL.parse(text);
  if (url === null || url.hostname === "") throw unusable(scheme, "it is no address");
  if (url.username !== "" || url.password !== "") throw unusable(scheme, "an address with a user name is not used");
  return url;
}

/** Docker's client looks in `~/.docker` only where it was told to verify. */
async function certificates(
  environment: ToolEnvironment,
  isVerified: boolean,
): Promise<NonNullable<DockerEndpoint["tls"]>> {
  const home = environment.HOME || homedir();
  const folder = environment.DOCKER_CERT_PATH?.trim() || (isVerified ? join(home, ".docker") : undefined);
  if (folder === undefined) return {};
  const [ca, cert, key] = await Promise.all(["ca.pem", "cert.pem", "key.pem"].map((file) => pem(join(folder, file))));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

async function pem(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code: reason = "unknown" } = cause as NodeJS.ErrnoException;
    if (reason === "ENOENT") return undefined;
    const message = `cannot read ${path} for the Docker daemon: ${reason}`;
    throw new RootfsError("FILE_FAILED", message, { path, reason }, { cause });
  }
}

/** The address itself is not repeated: it may hold a password. */
function unusable(scheme: string, reason: string): RootfsError<"DAEMON_FAILED"> {
  const endpoint = `${scheme === "" ? "?" : scheme}://…`;
  return new RootfsError("DAEMON_FAILED", `cannot use DOCKER_HOST ${endpoint}: ${reason}`, { endpoint, reason });
}
