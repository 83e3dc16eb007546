import type { RegistryErrorCode, RepositoryReader, Tag } from "@tranship/registry";
import { isMirrorError, MirrorError } from "../../errors.ts";
import type { RunContext } from "../../plan/planner.ts";

/** How long a catalog may give no answer unless told otherwise, in milliseconds. */
const defaultTimeoutMs = 15_000;

const reasons: { readonly [Code in RegistryErrorCode]?: string } = {
  UNAUTHORIZED: "the registry wants credentials, or other ones",
  FORBIDDEN: "these credentials are not enough",
  RATE_LIMITED: "the registry takes no more requests for now",
  SERVER_ERROR: "the registry has a fault of its own",
  TIMEOUT: "the registry did not answer in time",
  NETWORK: "the registry cannot be reached",
  TLS: "no safe connection could be made",
};

/**
 * The names a catalog lists, `undefined` when there is no such catalog and only then. It is the first thing asked of a
 * source, so it checks the access to it too, and says what stands in the way.
 * @throws MirrorError `TRANSFER_FAILED` with `catalog` in its details
 */
export async function listCatalog(
  catalog: RepositoryReader,
  component: string,
  run: RunContext,
  timeoutMs: number = defaultTimeoutMs,
): Promise<readonly Tag[] | undefined> {
  try {
    return await run.source.tags(catalog, { answerWithinMs: timeoutMs });
  } catch (error) {
    if (run.signal.aborted || !isMirrorError(error, "TRANSFER_FAILED")) throw error;
    const { cause, details } = error;
    const reason = reasons[details.code as RegistryErrorCode];
    const told = cause instanceof Error ? cause.message : error.message;
    const message = `cannot list the ${component} in catalog ${catalog.name}: ${reason ? `${reason}: ` : ""}${told}`;
    throw new MirrorError("TRANSFER_FAILED", message, { ...details, catalog: catalog.name }, { cause });
  }
}
