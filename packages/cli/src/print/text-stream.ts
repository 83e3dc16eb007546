/** What is written to: `process.stderr` is one, and so is a test's. */
export interface TextStream {
  /** Whether somebody looks at it on a terminal. */
  readonly isTTY?: boolean | undefined;
  /** The terminal's width in characters, as it is now. */
  readonly columns?: number | undefined;
  /** The terminal's height in lines, as it is now. */
  readonly rows?: number | undefined;
  /** `false` for one that should be let drain before more is written. */
  write(chunk: string | Uint8Array): unknown;
  once?(event: "drain", listener: () => void): unknown;
}
