import type { DiagnosisClass } from "./diagnosis-class.ts";

/** One thing that may have led to a failure, and what to do then. */
export interface PossibleCause {
  /** One line. */
  readonly cause: string;
  /** Each one line, the likeliest first; fitted to the command that failed. */
  readonly advice: readonly string[];
}

/** What the class of a failure says of it. */
export interface Finding {
  readonly class: DiagnosisClass;
  /** What went wrong in a few words, such as `the host name is unknown: registry.example.com`. */
  readonly category: string;
  readonly causes: readonly PossibleCause[];
}

/** A failure as the program tells it. Holds no secret, and no character that a terminal would obey. */
export interface Diagnosis extends Omit<Finding, "category"> {
  /** The stable code of the error, such as `TRANSFER_FAILED`, or the system's. */
  readonly code: string;
  /** Absent where the message alone says it all. */
  readonly category?: string;
  /** The whole message of the error, one line. */
  readonly message: string;
  /** The error and what it came from, outermost first; none repeats what comes below it. */
  readonly chain: readonly string[];
  /** What the code's table says of it. */
  readonly details?: unknown;
}
