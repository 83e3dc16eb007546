import type { Dispatcher } from "undici";
import { BodyTaker } from "../body-taker.ts";
import { exchange } from "../exchange.ts";
import { headerOf, type ResponseHeaders } from "../headers.ts";
import { httpError } from "../http-error.ts";
import { resolveLocation } from "../location.ts";
import { type Operation, printableUrl, protocolError } from "../operation.ts";
import { isForbiddenRedirect } from "../transport/private-address.ts";

/** How token servers are spoken to. */
export interface TokenWire {
  readonly dispatcher: Dispatcher;
  /** The longest time without a byte, in milliseconds. */
  readonly idleTimeoutMs: number;
  readonly userAgent: string;
}

/** One request to a token server. */
export interface TokenExchange {
  readonly url: URL;
  readonly operation: Operation;
  /** The `Authorization` header. */
  readonly authorization?: string | undefined;
  /** What is posted; without it, it is a `GET`. */
  readonly form?: URLSearchParams | undefined;
}

/** A token server's answer: the token, or that there is none for who asks. */
export interface TokenAnswer {
  /** 2xx, or a 4xx that does not pass by waiting. */
  readonly status: number;
  readonly body: Uint8Array;
}

const maxAnswerBytes = 64 * 1024;
const maxRedirects = 3;
const expect = [200, 201];

/**
 * Asks a token server. What it says in an error is not repeated: it may say our secrets. Redirects are followed on its
 * own origin, and to others only with nothing that has to be kept secret.
 * @throws RegistryError `NETWORK`, `TIMEOUT`, `TLS`, `PROTOCOL`, `TOO_LARGE`, `RATE_LIMITED`, `SERVER_ERROR`,
 * `UNEXPECTED_STATUS`
 */
export async function askTokenServer(
  wire: TokenWire,
  request: TokenExchange,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  let { url } = request;
  for (let hops = 0; ; hops += 1) {
    const { status, headers, body } = await sendOnce(wire, request, url, signal);
    if (expect.includes(status)) return { status, body };
    if (status >= 300 && status < 400) {
      url = redirected(request, url, status, headers, hops);
    } else if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
      return { status, body: new Uint8Array() };
    } else {
      throw httpError({ status, headers, host: url.host, body: new Uint8Array() }, request.operation);
    }
  }
}

interface WholeAnswer extends TokenAnswer {
  readonly headers: ResponseHeaders;
}

async function sendOnce(
  { dispatcher, idleTimeoutMs, userAgent }: TokenWire,
  { operation, authorization, form }: TokenExchange,
  url: URL,
  signal: AbortSignal,
): Promise<WholeAnswer> {
  const method = form === undefined ? "GET" : "POST";
  const headers = {
    accept: "application/json",
    "accept-encoding": "identity",
    "user-agent": userAgent,
    ...(authorization === undefined ? {} : { authorization }),
    ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
  };
  const body = form && new TextEncoder().encode(form.toString());
  const taker = new BodyTaker({ method, operation, expect, maxBodyBytes: maxAnswerBytes });
  const wireRequest = { method, url, headers, body, operation, idleTimeoutMs, signal } as const;
  const head = await exchange(dispatcher, wireRequest, (answer) => taker.sinkFor(answer));
  return { ...head, body: taker.body() };
}

function redirected(
  { operation, authorization, form }: TokenExchange,
  from: URL,
  status: number,
  headers: ResponseHeaders,
  hops: number,
): URL {
  const refuse = (reason: string) => protocolError(operation, reason);
  const location = headerOf(headers, "location");
  if (location === undefined) throw refuse(`redirect ${status} without a Location`);
  if (hops >= maxRedirects) throw refuse(`more than ${maxRedirects} redirects, the last from ${printableUrl(from)}`);
  if (form !== undefined && status < 307) throw refuse(`redirect ${status} of a POST`);
  const to = resolveLocation(location, from);
  if (typeof to === "string") throw refuse(`redirect ${status}: ${to}`);
  const danger = isForbiddenRedirect(from, to);
  if (danger !== undefined) throw refuse(`redirect ${status}: ${danger}`);
  const isSecret = authorization !== undefined || form !== undefined;
  if (isSecret && to.origin !== from.origin) {
    throw refuse(`redirect ${status} to ${printableUrl(to)}, which must not get the credentials`);
  }
  return to;
}
