import type { ClientResponse, HttpClient } from "./http-client.ts";

/** An upload that was opened so long ago may be forgotten by the registry, in milliseconds: it is not relied on. */
const freshMs = 30_000;

interface ProbedUpload {
  /** The answer that opened it. */
  readonly answer: ClientResponse;
  readonly openedAtMs: number;
}

const uploadsByClient = new WeakMap<HttpClient, Map<string, ProbedUpload[]>>();

/**
 * Leaves an upload that was opened for the next blob of the repository at `path`, its whole path on the host. The result
 * takes it back: `false` when a blob has it.
 */
export function leaveProbedUpload(client: HttpClient, path: string, answer: ClientResponse): () => boolean {
  const waiting = waitingIn(client, path);
  const upload = { answer, openedAtMs: performance.now() };
  waiting.push(upload);
  return () => {
    const place = waiting.indexOf(upload);
    if (place >= 0) waiting.splice(place, 1);
    return place >= 0;
  };
}

/** The answer that opened an upload which is left for the next blob, if there is one. */
export function takeProbedUpload(client: HttpClient, path: string): ClientResponse | undefined {
  const waiting = waitingIn(client, path);
  const fresh = waiting.findIndex(({ openedAtMs }) => performance.now() - openedAtMs < freshMs);
  return fresh < 0 ? undefined : waiting.splice(fresh, 1)[0]?.answer;
}

/** Whether an upload is left for the next blob. */
export function hasProbedUpload(client: HttpClient, path: string): boolean {
  return waitingIn(client, path).length > 0;
}

function waitingIn(client: HttpClient, path: string): ProbedUpload[] {
  const uploads = uploadsByClient.get(client) ?? new Map<string, ProbedUpload[]>();
  uploadsByClient.set(client, uploads);
  const waiting = uploads.get(path) ?? [];
  uploads.set(path, waiting);
  return waiting;
}
