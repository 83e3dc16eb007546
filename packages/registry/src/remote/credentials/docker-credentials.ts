import type { CallOptions } from "../../repository.ts";
import type { CredentialProvider, CredentialRequest, Credentials } from "../auth/authenticator.ts";
import { credentialsOfEntry } from "./auth-entry.ts";
import { canonicalHost, matchesAuthKey, parseAuthKey } from "./auth-key.ts";
import { credentialFilePaths } from "./config-paths.ts";
import { isHelperName } from "./credential-helper.ts";
import { ConfigFile, type DockerConfig } from "./docker-config.ts";
import { dockerHubStoreKey, isDockerHub } from "./docker-hub.ts";
import { HelperAnswers } from "./helper-answers.ts";
import { unusable } from "./unusable.ts";

/** Options of {@link dockerCredentials}. */
export interface DockerCredentialsOptions {
  /** The one file to read. @defaultValue docker's `config.json`, then podman's `auth.json`, where `env` says they are */
  readonly configPath?: string | undefined;
  /** The environment: it tells where the files are, and helper programs are found and run with it. @defaultValue the process's */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** How long a helper program may take, in milliseconds. @defaultValue 30 000 */
  readonly helperTimeoutMs?: number | undefined;
}

/**
 * The credentials that `docker login` and `podman login` stored. In each file a helper program for the host goes first,
 * the `credsStore` for all others next, what the file itself holds last; the first file that knows something decides.
 * A file that is not there is passed over. A broken one, and a helper that fails, throw `CREDENTIALS_UNUSABLE`: nobody
 * becomes anonymous by mistake. Nothing is read before it is asked for.
 */
export function dockerCredentials(options: DockerCredentialsOptions = {}): CredentialProvider {
  const find = stored(options);
  return async (request, { signal }) => (await find(request, signal))?.credentials;
}

/**
 * Tells where {@link dockerCredentials} with these options finds credentials, never what they are: a file's path, or a
 * helper program with the file that names it; `undefined` where it finds none.
 * @throws RegistryError `CREDENTIALS_UNUSABLE`
 */
export function locateDockerCredentials(
  options: DockerCredentialsOptions = {},
): (request: CredentialRequest, options?: CallOptions) => Promise<string | undefined> {
  const find = stored(options);
  return async (request, { signal } = {}) => (await find(request, signal))?.source;
}

/** Credentials, and where they are kept. */
interface StoredCredentials {
  readonly credentials: Credentials;
  readonly source: string;
}

type FindStored = (request: CredentialRequest, signal?: AbortSignal) => Promise<StoredCredentials | undefined>;

function stored(options: DockerCredentialsOptions): FindStored {
  const { configPath, env = process.env, helperTimeoutMs: timeoutMs = 30_000 } = options;
  const paths = configPath === undefined ? credentialFilePaths(env) : [configPath];
  const files = paths.map((path) => new ConfigFile(path));
  const helpers = new HelperAnswers({ env, timeoutMs });
  return async (request, signal) => {
    for (const file of files) {
      signal?.throwIfAborted();
      const config = await file.read();
      if (config === undefined) continue;
      const { path } = file;
      const helped = await askHelpers(config, path, helpers, request, signal);
      if (helped !== undefined) {
        return {
          credentials: helped,
          source: `docker-credential-${helperFor(config, request.host)}, named in ${path}`,
        };
      }
      const held = storedIn(config, path, request);
      if (held !== undefined) return { credentials: held, source: path };
    }
    return undefined;
  };
}

async function askHelpers(
  config: DockerConfig,
  path: string,
  helpers: HelperAnswers,
  { host, repository }: CredentialRequest,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const name = helperFor(config, host);
  if (!name) return undefined;
  if (!isHelperName(name)) throw unusable(path, "the name of a credential helper is not a plain word");
  for (const server of serverNames(host)) {
    const found = await helpers.get(name, server, repository, signal);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An empty name for the host says that there it has no helper. */
function helperFor({ credHelpers, credsStore }: DockerConfig, host: string): string | undefined {
  for (const [key, name] of Object.entries(credHelpers ?? {})) {
    if (matchesAuthKey(parseAuthKey(key), host, undefined)) return name;
  }
  return credsStore ?? undefined;
}

/** Under which names a helper may keep a host; for Docker Hub docker has one, podman another. */
function serverNames(host: string): readonly string[] {
  return isDockerHub(host) ? [dockerHubStoreKey, canonicalHost(host)] : [host];
}

function storedIn(
  { auths }: DockerConfig,
  path: string,
  { host, repository }: CredentialRequest,
): Credentials | undefined {
  const matching = Object.entries(auths ?? {})
    .map(([key, entry]) => ({ ...parseAuthKey(key), isExact: key === host, entry }))
    .filter((key) => matchesAuthKey(key, host, repository))
    .sort((a, b) => b.path.length - a.path.length || Number(b.isExact) - Number(a.isExact));
  for (const { entry } of matching) {
    const credentials = credentialsOfEntry(entry, path);
    if (credentials !== undefined) return credentials; // an entry without content only marks what a helper keeps
  }
  return undefined;
}
