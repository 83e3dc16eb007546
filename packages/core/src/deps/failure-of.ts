import { classifyFailure } from "@tranship/registry";
import { isMirrorError } from "../errors.ts";
import { type DepsErrorCode, isDepsError } from "./errors.ts";
import type { DepsFailure } from "./events.ts";

/** An error as events and reports tell it. */
export function failureOf(error: unknown): DepsFailure {
  return { code: codeOf(error), message: error instanceof Error ? error.message : String(error) };
}

/** The failure of what was under way, or waiting, when the work was ended. @param what it is about, such as an item's id */
export function abortedFailure(what: string): DepsFailure {
  return { code: "ABORTED", message: `${what} is not done: the work was ended` };
}

function codeOf(error: unknown): DepsErrorCode {
  if (isDepsError(error)) return error.code;
  if (isMirrorError(error, "NO_SPACE")) return "NO_SPACE";
  if (isMirrorError(error, "TRANSFER_FAILED")) return "TRANSFER_FAILED";
  const failure = classifyFailure(error);
  if (failure === "missing") return "NOT_FOUND";
  return failure === "local" ? "FILE_FAILED" : "TRANSFER_FAILED";
}
