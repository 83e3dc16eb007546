/** The reason of a run that was told to stop. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly code = "INTERRUPTED";
  readonly by: "SIGINT" | "SIGTERM";

  constructor(by: "SIGINT" | "SIGTERM") {
    super(`interrupted by ${by}`);
    this.by = by;
  }
}
