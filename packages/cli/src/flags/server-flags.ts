import type { PasswordCredentials } from "@tranship/registry";
import type { ServerOptions } from "@tranship/registry/server";
import type { Command } from "commander";
import { readPem } from "../pem-file.ts";
import { readPassword } from "../read-password.ts";
import { UsageError } from "../usage-error.ts";

/** The flags of {@link withServerFlags}. */
export interface ServerFlags {
  readonly login?: string;
  readonly passwordStdin?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Whom a server lets in, and whether it speaks HTTPS. */
export type ServerAccess = Pick<ServerOptions, "credentials" | "tls">;

/** Adds whom a server lets in, and its certificate. */
export function withServerFlags(command: Command): Command {
  return command
    .option("--login <name>", "ask everybody for this user name, and a password; with --password-stdin")
    .option("--password-stdin", "read the password of --login from standard input")
    .option("--tls-cert <file>", "speak HTTPS with the certificate chain in this PEM file; with --tls-key")
    .option("--tls-key <file>", "the private key of --tls-cert, PEM");
}

/**
 * Reads what the flags name: the password from `input`, certificate and key from files.
 * @throws UsageError when one of them lacks the other, or cannot be read
 */
export async function serverAccess(
  { login, passwordStdin = false, tlsCert, tlsKey }: ServerFlags,
  input: AsyncIterable<Uint8Array>,
  configured?: PasswordCredentials,
): Promise<ServerAccess> {
  if ((login !== undefined) !== passwordStdin) throw new UsageError("--login and --password-stdin need each other");
  if (login?.includes(":")) throw new UsageError("--login: a user name cannot have a colon");
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key need each other");
  }
  return {
    credentials:
      login === undefined ? configured : { username: login, password: await readPassword(input, "--password-stdin") },
    tls:
      tlsCert === undefined || tlsKey === undefined
        ? undefined
        : { cert: await readPem(tlsCert, "--tls-cert"), key: await readPem(tlsKey, "--tls-key") },
  };
}
