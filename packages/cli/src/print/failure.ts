import { isMirrorError, type MirrorErrorCode } from "@tranship/core";
import { isRegistryError, type RegistryErrorCode } from "@tranship/registry";

/** A failure as the program tells it. */
export interface Diagnosis {
  readonly code: string;
  readonly message: string;
  readonly advice: string | undefined;
  readonly details: unknown;
}

const registryAdvice: { readonly [Code in RegistryErrorCode]?: string } = {
  NOT_FOUND: "the registry does not have it, or no longer; a pull plans anew with --restart",
  UNAUTHORIZED: "check --registry-login and its password; without them, what docker or podman logged in with is used",
  FORBIDDEN: "this user may not do that here; ask the registry's administrator",
  CREDENTIALS_UNUSABLE:
    "repair or remove what it names, log in again, or give --registry-login, which asks none of them",
  RATE_LIMITED: "the registry limits requests; wait and run the command again, it goes on where it stopped",
  SERVER_ERROR: "the registry has a fault of its own; run the command again later, it goes on where it stopped",
  NETWORK: "check the registry's name, the network and any proxy; run the command again, it goes on where it stopped",
  TIMEOUT: "the registry stopped answering; run the command again, it goes on where it stopped",
  TLS: "give the registry's CA certificate with --ca, or use --tls-skip-verify; --insecure if it speaks plain HTTP",
  DIGEST_MISMATCH: "something on the way or in the store changed the bytes; nothing of it was used",
  TOO_LARGE: "this is larger than anything of its kind should be; nothing of it was used",
  INVALID_REFERENCE: "write it as host[:port]/path, without a scheme, tag or digest",
};

/** Where it was a catalog that could not be listed: nothing has been planned yet. */
const catalogAdvice: { readonly [Code in RegistryErrorCode]?: string } = {
  UNAUTHORIZED:
    "give --registry-login and its password, or log in with docker or podman; the catalog is the first thing asked for",
  FORBIDDEN: "this user may not list the catalog: ask for that right, or name what to mirror and give --proxy-registry",
  RATE_LIMITED: "the registry limits requests; wait, then run the command again",
  SERVER_ERROR: "the registry has a fault of its own; run the command again later, or ask its administrator",
  TIMEOUT:
    "the registry does not answer: check --source, the network and any proxy; --access-timeout SECONDS waits longer",
  NETWORK: "check the host in --source, the network and any proxy; nothing was asked of it yet",
  UNEXPECTED_STATUS: "is --source a registry and a path in it, such as registry.example.com/deckhouse/fe?",
  PROTOCOL: "is --source a registry and a path in it, such as registry.example.com/deckhouse/fe?",
};

const mirrorAdvice: { readonly [Code in MirrorErrorCode]?: string } = {
  NOT_IN_CATALOG: "`tranship plan --source …` without names shows what there is",
  IMAGE_NOT_FOUND: "check the tag's spelling; tags are taken as the registry has them",
  BUNDLE_NOT_FOUND: "give the folder a pull wrote; a directory of image layouts is written oci:DIR",
  BUNDLE_UNFINISHED: "run the pull or the repair again to finish it, or give it up with `tranship clean`",
  BUNDLE_LOCKED: "wait for the other pull, or stop it",
  BUNDLE_NOT_EMPTY: "give an empty folder, or the folder of an earlier pull",
  ARCHIVE_INVALID: "copy the archive again, or let `tranship repair` fetch what is damaged",
  BUNDLE_UNLOCKED: "only a bundle that `tranship pull` finished can be repaired; pull it anew",
  BASE_MISSING:
    "bring the base first, or give its bundle beside this one; a pull without --base makes a bundle that needs none",
  INVENTORY_INVALID:
    "a base is what `tranship inventory -o` or `tranship plan -o` wrote, or the tranship.lock.json of a finished bundle",
  REPOSITORIES_UNKNOWN:
    "name its repositories with --plan FILE, a plan or the lock file of a bundle it has taken in; --base takes such a file too, without asking the registry",
  TAG_CONFLICT: "--on-conflict overwrite gives them the bundle's images, --on-conflict skip leaves them as they are",
  FILE_TOO_LARGE: "--chunk-size splits archives into files the file system can hold, such as --chunk-size 4GB",
  NO_SPACE: "free some space and run the command again, it goes on where it stopped",
  PLAN_OUTDATED: "plan anew: with `tranship plan -o`, or an interrupted pull with --restart",
  PLAN_INVALID:
    "a plan is what `tranship plan -o` writes or a bundle has as its lock; pull with --restart makes a damaged lock anew",
};

const listenAdvice: Readonly<Record<string, string>> = {
  EADDRINUSE: "stop it, or give --listen another port; port 0 takes a free one",
  EADDRNOTAVAIL: "give --listen an address of this machine, or :PORT for all of them",
  EACCES: "ports below 1024 are the administrator's on most systems; give --listen a higher one",
};

/** What to tell about any error: a stable code, a message for people, and what may help. */
export function diagnose(error: unknown): Diagnosis {
  const cause = deepest(error);
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const own = isMirrorError(error) ? mirrorAdvice[error.code] : undefined;
  const below = isRegistryError(cause) ? registryAdvice[cause.code] : undefined;
  return {
    code,
    message,
    advice: own ?? catalogAdviceOf(error) ?? below ?? (isListenError(error) ? listenAdvice[code] : undefined),
    details: (error as { readonly details?: unknown } | undefined)?.details,
  };
}

/** The exit code of a failed command: 2 for what was asked wrongly, 1 for what went wrong. */
export function exitCodeOf(error: unknown): 1 | 2 {
  if (error instanceof Error && error.name === "UsageError") return 2;
  if (isMirrorError(error, "SELECTION_INVALID")) return 2;
  return isRegistryError(error, "INVALID_REFERENCE") ? 2 : 1;
}

function catalogAdviceOf(error: unknown): string | undefined {
  if (!isMirrorError(error, "TRANSFER_FAILED") || error.details.catalog === undefined) return undefined;
  return catalogAdvice[error.details.code as RegistryErrorCode];
}

function isListenError(error: unknown): boolean {
  return error instanceof Error && error.name === "ListenError";
}

function codeOf(error: unknown): string {
  if (isMirrorError(error) || isRegistryError(error)) return error.code;
  if (error instanceof Error && error.name === "UsageError") return "USAGE";
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "UNKNOWN";
}

/** The registry's error under a chain of causes, else the error itself. */
function deepest(error: unknown): unknown {
  let at = error;
  for (let depth = 0; depth < 8 && at instanceof Error && !isRegistryError(at) && at.cause !== undefined; depth += 1)
    at = at.cause;
  return isRegistryError(at) ? at : error;
}
