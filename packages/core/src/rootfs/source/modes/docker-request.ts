import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { printable } from "@tranship/registry";
import * as z from "zod";
import { RootfsError } from "../../errors.ts";
import type { DockerEndpoint } from "./docker-endpoint.ts";

/** One request to a daemon. */
export interface DockerRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** From the first `/` on, escaped. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What it is for, to follow "cannot" in messages. */
  readonly step: string;
  /** How long the connection may be silent, in milliseconds. */
  readonly idleTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Nobody listens at the endpoint, or it is closed to us: nothing was asked. */
export class DaemonUnreachable extends RootfsError<"DAEMON_FAILED"> {}

const unreachable: ReadonlySet<string> = new Set(
  "ENOENT ENOTSOCK EACCES EPERM ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH EHOSTDOWN ENETUNREACH ETIMEDOUT".split(
    " ",
  ),
);

const maxReasonBytes = 64 * 1024;

/**
 * Asks a daemon, and takes its answer a chunk at a time: what `take` gives is the result. The connection is this request's
 * alone, and closed in every case.
 * @throws DaemonUnreachable when nobody answers there
 * @throws RootfsError `DAEMON_FAILED` for an answer of failure, with its `status`; for silence and for a broken connection
 */
export async function askDaemon<Result>(
  endpoint: DockerEndpoint,
  request: DockerRequest,
  take: (answer: IncomingMessage) => Promise<Result>,
): Promise<Result> {
  const { method, path, headers, step, idleTimeoutMs, signal } = request;
  signal?.throwIfAborted();
  const failed = (reason: string, cause?: unknown, status?: number) =>
    daemonFailed(endpoint, step, reason, cause, status);
  const named = "socketPath" in endpoint.connection ? { host: "docker" } : {}; // a socket has no name of its own
  const sent = (endpoint.tls ? https : http).request({
    ...endpoint.connection,
    ...endpoint.tls,
    method,
    path: endpoint.pathPrefix + path,
    headers: { ...named, ...headers },
    agent: false,
  });
  let stopped: { readonly error: unknown } | undefined;
  const stop = (error: unknown) => {
    stopped ??= { error };
    sent.destroy();
  };
  const onAbort = () => stop(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  sent.setTimeout(idleTimeoutMs, () => stop(failed(`it was silent for ${idleTimeoutMs} ms`)));
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once("response", resolve);
      sent.on("error", reject); // also after the answer began: then reading it fails
      sent.end();
    });
    const { statusCode = 0 } = answer;
    if (statusCode < 200 || statusCode > 299) throw failed(await reasonOf(answer), undefined, statusCode);
    return await take(answer);
  } catch (cause) {
    if (stopped !== undefined) throw stopped.error;
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (cause instanceof RootfsError || code === undefined) throw cause;
    if (unreachable.has(code) && (syscall === "connect" || syscall === "getaddrinfo")) {
      const message = `cannot ${step}: no Docker daemon answers at ${endpoint.name}: ${code}`;
      throw new DaemonUnreachable("DAEMON_FAILED", message, { endpoint: endpoint.name, reason: code }, { cause });
    }
    throw failed(`the connection broke: ${code}`, cause);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    sent.destroy();
  }
}

/** Reads a whole answer of at most `maxBytes`. */
export async function readAnswer(answer: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** A daemon that answered, and not with what was wanted. */
export function daemonFailed(
  endpoint: DockerEndpoint,
  step: string,
  reason: string,
  cause?: unknown,
  status?: number,
): RootfsError<"DAEMON_FAILED"> {
  const told = status === undefined ? reason : `it answered ${status}: ${reason}`;
  const details = { endpoint: endpoint.name, reason, ...(status === undefined ? {} : { status }) };
  const message = `cannot ${step} with the Docker daemon at ${endpoint.name}: ${told}`;
  return new RootfsError("DAEMON_FAILED", message, details, { cause });
}

const reasonSchema = z.object({ message: z.string() });

async function reasonOf(answer: IncomingMessage): Promise<string> {
  const text = (await readAnswer(answer, maxReasonBytes)) ?? "";
  return printable(said(text), 500);
}

function said(text: string): string {
  try {
    return reasonSchema.parse(JSON.parse(text)).message;
  } catch {
    return text.trim();
  }
}
