import * as z from "zod";
import type { Credentials } from "../auth/authenticator.ts";
import { checkCredentials } from "../auth/identity.ts";
import { runProgram } from "./run-program.ts";
import { unusable } from "./unusable.ts";

/** How a helper is run. */
export interface HelperOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** It is killed after so long, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const maxOutputBytes = 64 * 1024;

/** What helpers say, on one stream or the other, when they are fine and know nothing. */
const knowsNothing = /credentials not found/i;

/** The user name that says that the secret is an identity token. */
const tokenUser = "<token>";

const answerSchema = z.object({ Username: z.string(), Secret: z.string() });

/** Whether `docker-credential-<name>` may be run: a plain word that leads to no folder. */
export function isHelperName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name);
}

/**
 * Asks `docker-credential-<name> get`, found on `PATH`, for the credentials it keeps under `server`; `undefined` when it
 * knows none. What it prints is not repeated in errors.
 * @throws RegistryError `CREDENTIALS_UNUSABLE`
 * @see docker-credential-helpers, "Development"
 */
export async function askHelper(
  name: string,
  server: string,
  options: HelperOptions,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const ending = await runProgram(program, { ...options, args: ["get"], input: server, maxOutputBytes });
  if (ending.failure !== undefined) throw unusable(program, ending.failure);
  const { status, stdout, stderr } = ending;
  if (status !== 0) {
    if (knowsNothing.test(stdout) || knowsNothing.test(stderr)) return undefined;
    throw unusable(program, `it ended with status ${status}`);
  }
  const answer = answerSchema.safeParse(jsonOf(stdout));
  if (!answer.success) throw unusable(program, "its answer is not that of a helper");
  const { Username: username, Secret: secret } = answer.data;
  if (secret === "") return undefined;
  const credentials = username === tokenUser ? { identityToken: secret } : { username, password: secret };
  return checkCredentials(credentials, program);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
