import { createReadStream } from "node:fs";
import { access, constants } from "node:fs/promises";
import { type CredentialProvider, dockerCredentials, type PasswordCredentials } from "@tranship/registry";
import type { Environment } from "../environment.ts";
import { fileReason } from "../file-reason.ts";
import { licenseLogin } from "../flags/credential-flags.ts";
import { UsageError } from "../usage-error.ts";
import type { CredentialReference } from "./config.ts";

/** The longest file with a user name and password, in bytes. */
const maxBytes = 64 * 1024;

/**
 * What finds the credentials a reference speaks of; `whose` names it in errors. What variables and files have to say is
 * read now.
 * @throws UsageError for a variable that is not set and a file that cannot be read: nobody becomes anonymous by mistake
 */
export async function readCredentials(
  reference: CredentialReference,
  environment: Environment,
  whose: string,
): Promise<CredentialProvider> {
  const { docker } = reference;
  if (docker === true) return dockerCredentials({ env: environment });
  if (docker !== undefined) {
    await requireFile(docker, `${whose}.docker`);
    return dockerCredentials({ env: environment, configPath: docker });
  }
  const credentials = await readPasswordCredentials(reference, environment, whose);
  return () => Promise.resolve(credentials);
}

/** The user name and password of variables or a file. @throws UsageError */
export async function readPasswordCredentials(
  { env = {}, file }: CredentialReference,
  environment: Environment,
  whose: string,
): Promise<PasswordCredentials> {
  if (file !== undefined) return await readLoginFile(file, `${whose}.file`);
  const read = (name: string | undefined) => {
    const value = name === undefined ? undefined : environment[name];
    if (value) return value;
    throw new UsageError(`${whose}.env: the variable ${name} is not set`);
  };
  if (env.license !== undefined) return { username: licenseLogin, password: read(env.license) };
  return { username: read(env.username), password: read(env.password) };
}

/** One that is named has to be there; of those that docker and podman may have, any may be missing. */
async function requireFile(path: string, whose: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (cause) {
    throw unreadable(path, whose, cause);
  }
}

function unreadable(path: string, whose: string, cause: unknown): UsageError {
  return new UsageError(`${whose}: cannot read ${path}: ${fileReason(cause)}`, { cause });
}

/** Nothing of what is in the file is told. */
async function readLoginFile(path: string, whose: string): Promise<PasswordCredentials> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: maxBytes })) chunks.push(chunk);
  } catch (cause) {
    throw unreadable(path, whose, cause);
  }
  const line = Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  const [, username, password] = /^([^:\r\n]+):([^\r\n]+)$/.exec(line) ?? [];
  if (username !== undefined && password !== undefined && line.length <= maxBytes) return { username, password };
  throw new UsageError(`${whose}: ${path} has to hold one line, username:password`);
}
