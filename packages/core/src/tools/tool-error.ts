/** What each code of a {@link ToolError} carries in `details`. */
export interface ToolErrorDetails {
  /** A program that is not on `PATH`. */
  TOOL_MISSING: { tool: string; purpose: string };
  /** A program that cannot be started. */
  TOOL_UNFIT: { tool: string; reason: string };
  /** A program that failed; `output` is the end of what it wrote. */
  TOOL_FAILED: { tool: string; step: string; exitCode?: number; signal?: string; output: string };
}

/** Why a program was not run to a good end; whoever had it run tells it in the words of their own errors. */
export class ToolError<Code extends keyof ToolErrorDetails = keyof ToolErrorDetails> extends Error {
  override readonly name = "ToolError";
  readonly code: Code;
  readonly details: ToolErrorDetails[Code];

  constructor(code: Code, message: string, details: ToolErrorDetails[Code], options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}
