import { isRegistryError } from "../errors.ts";
import { printable } from "../printable.ts";
import type { CheckFinding, CheckStatus, ExaminedCheck, ExaminedId } from "./examination.ts";

/** Longer reasons are cut, in characters. */
const maxReason = 500;

const titles: Readonly<Record<ExaminedId, string>> = {
  connection: "the way to the host",
  tls: "TLS: how safe the connection is, and for how long",
  api: "the registry's API, and how it wants to know who asks",
  credentials: "credentials, and whether they are accepted",
  catalog: "the list of repositories: an inventory without a plan needs it",
  tags: "lists of tags: packages, modules and ranges of versions need them",
  manifest: "a manifest by HEAD, by GET and by its digest",
  referrers: "the list of referrers, such as signatures",
  ranges: "a part of a blob: interrupted downloads go on where they broke",
  upload: "a blob written in one request",
  chunks: "a blob written in chunks: interrupted uploads go on where they broke",
  mount: "a blob shared between repositories, without being sent again",
  "manifest-push": "an image pushed under a tag, and deleted",
  limits: "limits on requests, and what the registry has to say",
  clock: "its clock: tokens and certificates depend on it",
};

/** Options of {@link runCheck}. */
export interface CheckOptions {
  /** What a failure of it amounts to. @defaultValue "failed" */
  readonly failure?: Extract<CheckStatus, "warning" | "failed"> | undefined;
  /** Told with a failure. */
  readonly advice?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes one check; what it throws is its finding, unless the caller has cancelled. */
export async function runCheck(
  id: ExaminedId,
  look: () => Promise<CheckFinding>,
  { failure = "failed", advice, signal }: CheckOptions = {},
): Promise<ExaminedCheck> {
  const startedMs = performance.now();
  const done = (finding: CheckFinding): ExaminedCheck => {
    const reason = printable(finding.reason, maxReason);
    return { id, title: titles[id], ...finding, reason, elapsedMs: Math.round(performance.now() - startedMs) };
  };
  try {
    signal?.throwIfAborted();
    return done(await look());
  } catch (error) {
    signal?.throwIfAborted();
    if (!isRegistryError(error)) throw error;
    const details = plainDetails(error.details);
    return { ...done({ status: failure, reason: error.message, advice, details }), code: error.code };
  }
}

function plainDetails(details: object): Readonly<Record<string, string | number | boolean>> {
  const plain = Object.entries(details).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  return Object.fromEntries(plain);
}

/** A check that was not made, and why. */
export function notAsked(id: ExaminedId, reason: string, advice?: string): ExaminedCheck {
  return { id, title: titles[id], status: "not-asked", reason, advice, elapsedMs: 0 };
}
