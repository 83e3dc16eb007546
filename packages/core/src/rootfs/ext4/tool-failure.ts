import { ToolError } from "../../tools/tool-error.ts";
import { RootfsError } from "../errors.ts";

/** Does something with a program. @throws RootfsError `TOOL_MISSING`, `TOOL_UNFIT`, `TOOL_FAILED` */
export async function inOwnWords<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const { cause } = error;
    throw new RootfsError(error.code, error.message, error.details, cause === undefined ? undefined : { cause });
  }
}
