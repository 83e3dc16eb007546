import type { RegistryErrorCode } from "../errors.ts";
import { printable } from "../printable.ts";
import { type Challenge, parseChallenges } from "../remote/auth/challenge.ts";
import { headerOf, listHeaderOf, mediaTypeOf } from "../remote/headers.ts";
import { httpError } from "../remote/http-error.ts";
import { printableUrl, protocolError } from "../remote/operation.ts";
import { isLoopbackHost } from "../remote/transport/private-address.ts";
import type { CheckFinding } from "./examination.ts";
import type { FirstContact } from "./first-contact.ts";
import type { Subject } from "./subject.ts";

const dayMs = 86_400_000;

/** Certificates that live shorter are worth a word, in days. */
const fewDays = 21;

/** Failures that a server's own answer, or its certificate, is the reason of: it was reached. */
const afterConnecting: ReadonlySet<RegistryErrorCode> = new Set(["TLS", "PROTOCOL"]);

/** Whether something answered, be it with nothing that can be used. */
export function isReached({ failure }: Pick<FirstContact, "failure">): boolean {
  return failure === undefined || afterConnecting.has(failure.code);
}

/** The way to the host. @throws RegistryError what stood in the way */
export async function checkConnection(
  { addresses, peer, failure }: FirstContact,
  { client }: Subject,
): Promise<CheckFinding> {
  if (failure && !isReached({ failure })) throw failure;
  const resolved = addresses.length === 0 ? "not resolved here" : addresses.join(", ");
  const reason = `${client.origin.host} is ${resolved}${peer === undefined ? "" : `; connected to ${peer}`}`;
  const details = { host: client.origin.host, addresses, ...(peer === undefined ? {} : { peer }) };
  if (addresses.length > 0) return { status: "ok", reason, details };
  return { status: "ok", reason: `${reason}: a proxy looks it up, or the connection stood already`, details };
}

/** What TLS shows of the registry. @throws RegistryError `TLS` */
export async function checkTls(
  { tls, failure }: FirstContact,
  { client }: Subject,
  nowMs: number,
): Promise<CheckFinding> {
  if (failure?.code === "TLS") throw failure;
  const { protocol, hostname } = client.origin;
  if (protocol !== "https:") {
    if (isLoopbackHost(hostname)) return { status: "not-asked", reason: "plain HTTP, with this machine" };
    const reason = "plain HTTP: whoever is on the way reads and changes everything, passwords too";
    return { status: "warning", reason, advice: "let the registry speak TLS" };
  }
  if (!tls)
    return { status: "not-asked", reason: "the connection stood already: there is nothing to see of its start" };
  const { version, issuer, subject, expiresMs, untrusted } = tls;
  const daysLeft = expiresMs === undefined ? undefined : Math.floor((expiresMs - nowMs) / dayMs);
  const until =
    expiresMs === undefined ? "" : `, valid until ${new Date(expiresMs).toISOString().slice(0, 10)} (${daysLeft} days)`;
  const reason = `${version}, a certificate for ${subject} by ${issuer}${until}`;
  const expiry = expiresMs === undefined ? {} : { expires: new Date(expiresMs).toISOString(), daysLeft: daysLeft ?? 0 };
  const details = { version, issuer, subject, ...expiry, ...(untrusted === undefined ? {} : { untrusted }) };
  if (untrusted !== undefined) {
    const advice = "trust its authority in place of checking nothing";
    return {
      status: "warning",
      reason: `${reason}; nobody checked it, and it is not trusted: ${untrusted}`,
      advice,
      details,
    };
  }
  if (daysLeft !== undefined && daysLeft < fewDays)
    return { status: "warning", reason, advice: "renew the certificate before it ends", details };
  return { status: "ok", reason, details };
}

/** Whether it is a registry, and what it wants of who asks. @throws RegistryError `PROTOCOL`, or what the status means */
export async function checkApi({ answer, failure }: FirstContact, { client, place }: Subject): Promise<CheckFinding> {
  if (failure) throw failure;
  if (!answer) return { status: "not-asked", reason: "there was no answer" };
  const { status, headers, body } = answer;
  const operation = {
    registry: client.origin.host,
    reference: place.host,
    what: `find an API at ${client.origin.host}`,
  };
  const location = headerOf(headers, "location");
  if (status >= 300 && status < 400) {
    const to = location === undefined ? undefined : URL.parse(location, answer.url.href);
    throw protocolError(operation, `/v2/ leads elsewhere (${status}${to ? `, ${printableUrl(to)}` : ""})`);
  }
  const version = headerOf(headers, "docker-distribution-api-version");
  const told = { status, ...(version === undefined ? {} : { apiVersion: printable(version, 100) }) };
  if (status === 200) {
    if (mediaTypeOf(headers) === "text/html") throw protocolError(operation, "/v2/ is a web page");
    return { status: "ok", reason: "it answers /v2/ and lets anybody in", details: told };
  }
  const isPlain = answer.url.protocol === "http:";
  if (status !== 401) throw httpError({ status, headers, body, host: client.origin.host, isPlain }, operation);
  const challenges = parseChallenges(listHeaderOf(headers, "www-authenticate"));
  const wanted = challenges.map(describeChallenge);
  const details = { ...told, auth: wanted };
  if (challenges.some(({ scheme }) => scheme === "bearer" || scheme === "basic"))
    return { status: "ok", reason: `it answers /v2/ and wants ${wanted.join(", or ")}`, details };
  const asked = wanted.length === 0 ? "does not say which" : `wants ${wanted.join(", or ")}`;
  return { status: "warning", reason: `it wants credentials and ${asked}`, advice: "ask its administrator", details };
}

/** How far apart the clocks are. */
export async function checkClock({ skewMs }: FirstContact): Promise<CheckFinding> {
  if (skewMs === undefined) return { status: "not-asked", reason: "the registry does not tell the time" };
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const reason =
    seconds < 2
      ? "the clocks agree"
      : `the registry's clock is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} ours`;
  const details = { skewSeconds: Math.round(skewMs / 1000) };
  if (seconds < 60) return { status: "ok", reason, details };
  return {
    status: "warning",
    reason,
    advice: "set the clock that is wrong; tokens may be refused as too old or too new",
    details,
  };
}

function describeChallenge({ scheme, parameters: { realm, service } }: Challenge): string {
  const at = realm === undefined ? undefined : URL.parse(realm);
  if (scheme !== "bearer") return scheme === "basic" ? "a user name and a password (basic)" : printable(scheme, 40);
  const server = at ? printableUrl(at) : "an unknown token server";
  return `tokens (bearer) from ${server}${service === undefined ? "" : ` for ${printable(service, 100)}`}`;
}
