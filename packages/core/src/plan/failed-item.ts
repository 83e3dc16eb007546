import * as z from "zod";
import { compareText } from "../layout/index-file.ts";
import { archiveNameSchema, textSchema } from "./names.ts";

/** An item that a run went on without: its archive could not be planned or made. */
export interface FailedItem {
  /** Such as `packages`. */
  readonly component: string;
  /** The item of the component, such as `console`. */
  readonly item: string;
  /** The archive it would have made, such as `package-console.tar`. */
  readonly archive: string;
  /** The code of the error, such as `TRANSFER_FAILED`. */
  readonly code: string;
  /** What the error says, for people. */
  readonly message: string;
}

/** Failures in their one order: by archive. */
export function sortedFailed(failed: readonly FailedItem[]): readonly FailedItem[] {
  return [...failed].sort((a, b) => compareText(a.archive, b.archive));
}

/** Schema of {@link FailedItem}. */
export const failedItemSchema: z.ZodType<FailedItem> = z.object({
  component: textSchema.describe("What wanted it, such as packages."),
  item: textSchema.describe("The item of the component, such as the name of a package."),
  archive: archiveNameSchema.describe("The archive it would have made."),
  code: textSchema.describe("The code of the error."),
  message: textSchema.describe("What the error says, for people."),
});
