import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerOptions } from "@tranship/registry/server";
import { type ServeHome, serveLayouts, serveMemory } from "../../support/served-homes.ts";

const openssl = "openssl"; // of the machine, not of a package
const credentials = { username: "interop", password: "a secret: with signs" };

/** One way our server is set up for the clients. */
export interface Setting {
  readonly name: string;
  readonly serve: ServeHome;
  readonly auth?: "basic" | "bearer" | undefined;
  readonly isTls?: boolean | undefined;
}

/** The first is told in full, the others by their outcome. */
export const settings: readonly [Setting, ...Setting[]] = [
  { name: "memory", serve: serveMemory },
  { name: "layouts", serve: serveLayouts },
  { name: "memory, Basic", serve: serveMemory, auth: "basic" },
  { name: "memory, Bearer", serve: serveMemory, auth: "bearer" },
  { name: "memory, TLS and Basic", serve: serveMemory, auth: "basic", isTls: true },
  { name: "layouts, TLS and Bearer", serve: serveLayouts, auth: "bearer", isTls: true },
];

/** What the server is started with; a certificate for this machine is made in `folder`. */
export function serverOptions({ auth, isTls }: Setting, folder: string): ServerOptions {
  return {
    ...(auth ? { auth: { scheme: auth, credentials } } : {}),
    ...(isTls ? { tls: certificate(folder) } : {}),
  };
}

/**
 * All that clients are told of the machine: a home of their own, our certificate as the only one to trust, and the
 * account, in the one file that all of them read.
 */
export function environmentFor({ auth, isTls }: Setting, host: string, folder: string): NodeJS.ProcessEnv {
  const { username, password } = credentials;
  const secret = Buffer.from(`${username}:${password}`).toString("base64");
  const config = join(folder, ".docker");
  mkdirSync(config, { recursive: true });
  const accounts = auth ? { [host]: { auth: secret } } : {};
  writeFileSync(join(config, "config.json"), JSON.stringify({ auths: accounts }));
  return {
    HOME: folder,
    DOCKER_CONFIG: config,
    REGISTRY_AUTH_FILE: join(config, "config.json"),
    ...(isTls ? { SSL_CERT_FILE: join(folder, "cert.pem") } : {}),
  };
}

function certificate(folder: string): { readonly cert: string; readonly key: string } {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const options = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert];
  execFileSync(openssl, ["req", "-x509", ...options, ...subject], { stdio: "ignore" });
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}
