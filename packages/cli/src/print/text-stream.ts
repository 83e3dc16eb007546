/** A stream text is written to. */
export interface TextStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}
