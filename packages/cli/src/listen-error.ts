import type { ListenAddress } from "./listen-address.ts";

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "something listens there already",
  EADDRNOTAVAIL: "this machine has no such address",
  EACCES: "not permitted",
  ENOTFOUND: "there is no such name",
};

/** An address that cannot be listened on; `code` is the system's. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code: string;

  constructor({ host, port }: ListenAddress, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? "UNKNOWN";
    super(`cannot listen on ${host.includes(":") ? `[${host}]` : host}:${port}: ${reasons[code] ?? code}`, { cause });
    this.code = code;
  }
}
