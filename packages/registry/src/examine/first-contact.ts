import { lookup } from "node:dns/promises";
import { isIP, type Socket } from "node:net";
import { type PeerCertificate, TLSSocket } from "node:tls";
import { isRegistryError, type RegistryError } from "../errors.ts";
import { printable } from "../printable.ts";
import type { ClientResponse } from "../remote/http-client.ts";
import { bareHost } from "../remote/transport/private-address.ts";
import type { Subject } from "./subject.ts";

/** What a connection over TLS shows. */
export interface SeenTls {
  /** Such as `TLSv1.3`. */
  readonly version: string;
  readonly issuer: string;
  readonly subject: string;
  /** Milliseconds since the epoch; absent where the certificate does not say. */
  readonly expiresMs?: number;
  /** Why it would not be trusted, where nobody checked. */
  readonly untrusted?: string;
}

/** What came of the first request, which was for the API's base and asked by nobody. */
export interface FirstContact {
  /** What this machine resolves the host to; none where it cannot, as behind a proxy. */
  readonly addresses: readonly string[];
  /** Whom the connection was made to; absent when one stood already. */
  readonly peer?: string;
  readonly tls?: SeenTls;
  /** How far the server's clock is ahead of ours, in milliseconds; absent where it does not say. */
  readonly skewMs?: number;
  readonly answer?: ClientResponse;
  /** Why there is no answer. */
  readonly failure?: RegistryError;
}

/**
 * Asks a registry for its base, as nobody, and looks at the connection that was made for it.
 * @see distribution-spec v1.1.1, "Determining Support"
 */
export async function firstContact({ client, place, signal, seen }: Subject): Promise<FirstContact> {
  const { host, origin } = { host: place.host, origin: client.origin };
  const addresses = await addressesOf(bareHost(origin.hostname));
  const operation = { registry: origin.host, reference: host, what: `reach ${host}` };
  const url = new URL("/v2/", origin);
  let socket: Socket | undefined;
  let connection: Pick<FirstContact, "peer" | "tls" | "skewMs"> = {};
  const onSocket = (one: Socket) => {
    socket = one;
  };
  const startedMs = Date.now();
  try {
    const answer = await client.askAsNobody({ method: "GET", url, operation, signal, onSocket }, ({ headers }) => {
      const serverMs = Date.parse(String(headers.date));
      // it was written between then and now
      const skewMs = Number.isNaN(serverMs) ? undefined : serverMs - (startedMs + Date.now()) / 2;
      connection = {
        ...(socket?.remoteAddress === undefined ? {} : { peer: `${socket.remoteAddress}:${socket.remotePort}` }),
        ...(socket instanceof TLSSocket ? { tls: seenTls(socket) } : {}),
        ...(skewMs === undefined ? {} : { skewMs }),
      };
    });
    seen.push(answer.headers);
    return { addresses, ...connection, answer };
  } catch (error) {
    signal?.throwIfAborted();
    if (isRegistryError(error)) return { addresses, ...connection, failure: error };
    throw error;
  }
}

async function addressesOf(hostname: string): Promise<readonly string[]> {
  if (isIP(hostname) !== 0) return [hostname];
  try {
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  } catch {
    return []; // a proxy may know it; the request tells
  }
}

function seenTls(socket: TLSSocket): SeenTls {
  const { issuer, subject, valid_to } = socket.getPeerCertificate();
  const expiresMs = Date.parse(valid_to);
  const { authorized, authorizationError } = socket;
  return {
    version: socket.getProtocol() ?? "unknown",
    issuer: nameOf(issuer),
    subject: nameOf(subject),
    ...(Number.isNaN(expiresMs) ? {} : { expiresMs }),
    ...(authorized ? {} : { untrusted: printable(String(authorizationError), 200) }),
  };
}

/** Who a certificate speaks of. Resumed sessions and odd certificates may say nothing. */
function nameOf(name: PeerCertificate["issuer"] | undefined): string {
  const told = [name?.CN, name?.O].flat().filter((part) => typeof part === "string");
  return told.length === 0 ? "nobody named" : printable(told.join(", "), 200);
}
