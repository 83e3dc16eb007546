import { isMirrorError } from "../../errors.ts";
import type { MissingReference } from "../../plan/download-list.ts";
import type { RunContext } from "../../plan/planner.ts";

/** Some of a catalog's repositories that the source refuses are left out, and told; when it refuses every one, it is an error. */
export class Refusals {
  readonly #all: number;
  readonly #run: RunContext;
  readonly #missing: MissingReference[] = [];

  /** `all` is the number of repositories that are asked. */
  constructor(all: number, run: RunContext) {
    this.#all = all;
    this.#run = run;
  }

  /** The repositories that were left out. */
  get missing(): readonly MissingReference[] {
    return this.#missing;
  }

  /**
   * What `question` gives; `undefined` when the source refuses it. What another try may change is an error.
   * @throws MirrorError `TRANSFER_FAILED`
   */
  async without<Answer>(reference: string, question: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await question();
    } catch (error) {
      if (!isMirrorError(error, "TRANSFER_FAILED")) throw error;
      const isRefusal = error.details.code === "UNAUTHORIZED" || error.details.code === "FORBIDDEN";
      if (!isRefusal || this.#missing.length + 1 >= this.#all) throw error;
      this.#missing.push({ reference, why: "catalog" });
      const message = `${error.message}: it is left out`;
      this.#run.emit({ type: "warning.raised", code: "IMAGE_UNUSABLE", message, reference });
      return undefined;
    }
  }
}
