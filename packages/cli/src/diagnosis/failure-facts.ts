import { isMirrorError, type MirrorError } from "@tranship/core";
import type { DepsError } from "@tranship/core/deps";
import type { RootfsError } from "@tranship/core/rootfs";
import { isRegistryError, type RegistryError, type ReportedError } from "@tranship/registry";
import { isDepsFailure } from "../deps-failure.ts";
import { isRootfsFailure } from "../rootfs-failure.ts";
import type { CommandWords } from "./command-words.ts";

/** Deeper is not looked. */
const maxDepth = 10;

/** What classes of failures are told by. */
export interface FailureFacts {
  /** The error and what it came from, outermost first. */
  readonly errors: readonly Error[];
  /** The outermost error of core. */
  readonly mirror: MirrorError | undefined;
  /** The outermost error of making root file systems. */
  readonly rootfs: RootfsError | undefined;
  /** The outermost error of a cache of dependencies. */
  readonly deps: DepsError | undefined;
  /** The innermost error of the registry client. */
  readonly registry: RegistryError | undefined;
  /** Codes of the system, of TLS and of the client below, wherever they stand. */
  readonly reasons: ReadonlySet<string>;
  /** What the registry itself said. */
  readonly reported: readonly ReportedError[];
  /** The registry as it was asked: `host:port`; empty when none was. */
  readonly host: string;
  readonly words: CommandWords;
}

/** Reads an error and all below it. */
export function factsOf(error: unknown, words: CommandWords): FailureFacts {
  const errors = errorsOf(error);
  const registry = errors.findLast((one) => isRegistryError(one));
  const details = (registry?.details ?? {}) as { readonly registry?: unknown; readonly errors?: unknown };
  return {
    errors,
    mirror: errors.find((one) => isMirrorError(one)),
    rootfs: errors.find((one) => isRootfsFailure(one)),
    deps: errors.find((one) => isDepsFailure(one)),
    registry,
    reasons: new Set(errors.flatMap(reasonsOf)),
    reported: Array.isArray(details.errors) ? (details.errors as ReportedError[]) : [],
    host: typeof details.registry === "string" ? details.registry : "",
    words,
  };
}

/** Follows `cause`; of several errors at once, as for the addresses of a host, the first. */
function errorsOf(error: unknown): readonly Error[] {
  const found: Error[] = [];
  for (let at = error; at instanceof Error && found.length < maxDepth && !found.includes(at); ) {
    found.push(at);
    at = at.cause ?? (at instanceof AggregateError ? at.errors[0] : undefined);
  }
  return found;
}

function reasonsOf(error: Error): readonly string[] {
  const { code, details } = error as { readonly code?: unknown; readonly details?: { readonly reason?: unknown } };
  const reason = details?.reason;
  return [code, reason].filter((one) => typeof one === "string");
}
