import { UsageError } from "./usage-error.ts";

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`; without a host, all IPv4 addresses of this machine are meant, and port 0 is a free one. @throws UsageError */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits = ""] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]*)):([0-9]{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65_535) {
    throw new UsageError(`--listen ${text}: write it as HOST:PORT, such as 127.0.0.1:5000, [::1]:5000 or :5000`);
  }
  return { host: bracketed ?? (plain || "0.0.0.0"), port };
}

/** Whether only this machine can reach the address. */
export function isLoopbackAddress({ host }: ListenAddress): boolean {
  return /^(?:localhost|127(?:\.[0-9]{1,3}){3}|::1)$/i.test(host);
}
